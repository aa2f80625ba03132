WITH t AS (SELECT patient, year(event_date) AS y, count(*) AS n FROM ER_PRS_F GROUP BY 1, 2) SELECT a.y, count(*) AS patients, sum(b.n - a.n) AS more
FROM t a JOIN t b ON a.patient = b.patient AND b.y = a.y + 1
GROUP BY a.y
