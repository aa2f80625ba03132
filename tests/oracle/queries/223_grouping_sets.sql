SELECT year(event_date) AS y, left(atc, 1) AS letter, count(*) AS n, sum(PHA_ACT_QSN) AS q
FROM ER_PHA_F
GROUP BY GROUPING SETS ((1), (2), (1, 2), ())
