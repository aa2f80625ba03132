SELECT p.sex, b.DGN_PAL, count(*) AS acts, count(DISTINCT a.mco_stay) AS stays
FROM T_MCOaaA a JOIN T_MCOaaB b USING (patient, mco_stay) JOIN PERSON p USING (patient)
WHERE b.DGN_PAL >= 'I' AND b.DGN_PAL < 'K'
GROUP BY 1, 2
ORDER BY acts DESC, 1, 2
