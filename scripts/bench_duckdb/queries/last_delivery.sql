SELECT year(last) AS y, month(last) AS m, count(*) AS people
FROM (SELECT patient, max(event_date) AS last FROM ER_PHA_F WHERE patient IS NOT NULL GROUP BY patient) AS days
GROUP BY 1, 2
