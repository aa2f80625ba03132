SELECT sex, count(*) AS n
FROM PERSON p
WHERE NOT EXISTS (SELECT * FROM ER_PHA_F d WHERE d.patient = p.patient AND d.atc LIKE 'A10%')
GROUP BY sex
