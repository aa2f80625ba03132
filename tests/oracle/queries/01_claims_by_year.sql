SELECT year(event_date) AS y, count(*) AS lines, count(DISTINCT patient) AS patients
FROM ER_PRS_F
GROUP BY 1
ORDER BY y
