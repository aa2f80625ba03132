SELECT n, count(*) AS patients
FROM (SELECT patient, count(*) AS n FROM ER_PHA_F WHERE patient IS NOT NULL GROUP BY patient) x
GROUP BY n
ORDER BY n
