SELECT n, count(*) AS people
FROM (SELECT patient, count(*) AS n FROM ER_PHA_F WHERE patient IS NOT NULL GROUP BY patient) AS lines
GROUP BY 1
