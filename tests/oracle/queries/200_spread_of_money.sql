-- Deviations and variances of money, by group.
SELECT PRS_NAT_REF, count(*) AS n, stddev(PRS_PAI_MNT) AS sd, avg(PRS_PAI_MNT) AS mean
FROM ER_PRS_F
GROUP BY 1
ORDER BY n DESC
LIMIT 20
-- float: sd mean
;
SELECT BEN_RES_DPT, var_pop(PRS_PAI_MNT) AS v, var_samp(BSE_REM_MNT) AS w
FROM ER_PRS_F
GROUP BY 1
-- float: v w
;
SELECT stddev_pop(PRS_PAI_MNT) AS a, stddev_samp(PRS_PAI_MNT) AS b, variance(PRS_PAI_MNT) AS c, stddev(BEN_AMA_COD) AS d
FROM ER_PRS_F
-- float: a b c d
;
SELECT year(event_date) AS y, stddev(PHA_ACT_QSN) AS sd, stddev(PHA_ACT_QSN) FILTER (WHERE valid) AS valid_sd
FROM ER_PHA_F
GROUP BY 1
-- float: sd valid_sd
;
SELECT atc, stddev(DISTINCT PHA_ACT_PRU) AS sd, sum(DISTINCT PHA_ACT_QSN) AS q, avg(DISTINCT PHA_ACT_QSN) AS m
FROM ER_PHA_F
GROUP BY 1
-- float: sd m
;
SELECT sum(DISTINCT PRS_PAI_MNT) AS s, count(DISTINCT PRS_PAI_MNT) AS n
FROM ER_PRS_F
;
-- A variance of 16 digits and more: PostgreSQL's standard deviation is a whole number then.
SELECT year(event_date) AS y, stddev_pop(DCT_ORD_NUM) AS a, stddev_samp(DCT_ORD_NUM::bigint * 1000000) AS b, var_pop(DCT_ORD_NUM) AS c
FROM ER_PHA_F
GROUP BY 1
-- float: a b c
