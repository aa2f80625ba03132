-- Floats: roots, powers and logarithms.
SELECT least(PHA_ACT_PRU, 10) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
-- any scale
;
SELECT PHA_ACT_QSN, sqrt(abs(PHA_ACT_QSN)) AS a, power(PHA_ACT_QSN, 3) AS b, exp(PHA_ACT_QSN / 10.0::float8) AS c, ln(abs(PHA_ACT_QSN) + 1) AS d, log(abs(PHA_ACT_QSN) + 1) AS e, cbrt(PHA_ACT_QSN) AS f, count(*) AS n
FROM ER_PHA_F
GROUP BY PHA_ACT_QSN
-- float: a b c d e f
;
SELECT PHA_ACT_QSN ^ 2 AS a, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
-- float: a
;
SELECT floor(PHA_ACT_QSN) / 2 AS a, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
-- float: a
;
SELECT sum(PHA_ACT_PRU::float8) AS a, avg(PHA_ACT_PRU::float8) AS b, stddev(PHA_ACT_PRU::float8) AS c
FROM ER_PHA_F
-- float: a b c
;
SELECT round(PHA_ACT_QSN) / 3 AS a, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
-- float: a
