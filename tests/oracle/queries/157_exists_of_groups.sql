SELECT sex, count(*) AS n
FROM PERSON p
WHERE EXISTS (SELECT d.patient FROM ER_PHA_F d WHERE d.patient = p.patient AND d.atc LIKE 'N%' GROUP BY d.patient HAVING count(*) >= 3)
GROUP BY sex
