SELECT count(*) AS n
FROM PERSON p
WHERE EXISTS (SELECT 1 FROM T_MCOaaC s WHERE s.patient = p.patient AND EXISTS (SELECT 1 FROM T_MCOaaD d WHERE d.mco_stay = s.mco_stay AND d.ASS_DGN LIKE 'E%'))
