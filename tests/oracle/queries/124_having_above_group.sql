SELECT y, count(*) AS n
FROM (SELECT patient, year(event_date) AS y, count(*) AS c FROM ER_PHA_F GROUP BY 1, 2) x
GROUP BY y
HAVING count(*) > 10
