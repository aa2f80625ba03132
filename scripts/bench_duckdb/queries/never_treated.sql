SELECT p.sex, count(*) AS people
FROM PERSON p
WHERE p.resolved AND NOT EXISTS (SELECT 1 FROM ER_PHA_F d WHERE d.patient = p.patient)
GROUP BY 1
