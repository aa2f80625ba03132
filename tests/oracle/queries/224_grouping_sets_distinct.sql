SELECT left(atc, 1) AS letter, count(DISTINCT patient) AS patients, grouping(left(atc, 1)) AS g
FROM ER_PHA_F
GROUP BY ROLLUP (left(atc, 1))
ORDER BY 2 DESC
