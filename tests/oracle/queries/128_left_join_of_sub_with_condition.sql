SELECT s.n, count(*) AS people
FROM PERSON p LEFT JOIN (SELECT patient, count(*) AS n FROM ER_PHA_F GROUP BY patient) s ON s.patient = p.patient AND p.sex = 'F' AND s.n > 3
GROUP BY 1
