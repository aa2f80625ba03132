SELECT y, count(*) AS days
FROM (SELECT DISTINCT patient, event_date, year(event_date) AS y FROM ER_PRS_F) x
GROUP BY y
