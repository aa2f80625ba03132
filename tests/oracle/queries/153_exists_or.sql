SELECT count(*) AS n
FROM PERSON p
WHERE p.sex = 'M' OR EXISTS (SELECT 1 FROM T_MCOaaC s WHERE s.patient = p.patient)
