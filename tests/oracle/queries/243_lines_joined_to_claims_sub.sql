SELECT c.n AS claims, d.n AS lines, count(*) AS patients
FROM (SELECT patient, count(*) AS n FROM ER_PRS_F WHERE year(event_date) = 2020 GROUP BY patient) c LEFT JOIN (SELECT patient, count(*) AS n FROM ER_PHA_F WHERE year(event_date) = 2020 GROUP BY patient) d USING (patient)
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
LIMIT 30
