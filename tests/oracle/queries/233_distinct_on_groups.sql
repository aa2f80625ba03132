SELECT DISTINCT ON (y) year(event_date) AS y, atc, count(*) AS n
FROM ER_PHA_F
GROUP BY 1, 2
ORDER BY y, n DESC, atc
