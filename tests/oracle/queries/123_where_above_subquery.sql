SELECT count(*) AS n, sum(q) AS q
FROM (SELECT atc, PHA_ACT_QSN AS q, event_date AS d FROM ER_PHA_F) x
WHERE x.atc LIKE 'A%' AND x.d >= DATE '2019-06-01'
