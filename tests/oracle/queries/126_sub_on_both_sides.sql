SELECT a.n AS drugs, b.n AS claims, count(*) AS patients
FROM (SELECT patient, count(*) AS n FROM ER_PHA_F GROUP BY patient) a JOIN (SELECT patient, count(*) AS n FROM ER_PRS_F GROUP BY patient) b ON a.patient = b.patient
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
LIMIT 50
