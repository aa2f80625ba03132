SELECT n / 5 AS b, count(*) AS patients
FROM (SELECT patient, n + 1 AS n FROM (SELECT patient, count(*) AS n FROM (SELECT patient, event_date FROM ER_PRS_F WHERE valid) a GROUP BY patient) b) c
WHERE patient IS NOT NULL
GROUP BY 1
