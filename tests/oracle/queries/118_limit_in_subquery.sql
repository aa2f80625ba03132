SELECT sum(n) AS n, count(*) AS c
FROM (SELECT atc, count(*) AS n FROM ER_PHA_F GROUP BY atc ORDER BY n DESC, atc LIMIT 5) x
