SELECT n, count(*) AS rows_, count(patient) AS patients
FROM (SELECT patient, count(*) AS n FROM ER_PRS_F GROUP BY patient) x
GROUP BY n
ORDER BY n
