-- HAVING and ORDER BY over the new aggregates.
SELECT atc, count(*) AS n, stddev(PHA_ACT_PRU) AS sd
FROM ER_PHA_F
GROUP BY atc
HAVING stddev(PHA_ACT_PRU) > 0.5
ORDER BY atc
-- float: sd
;
SELECT PRS_NAT_REF, percentile_disc(0.5) WITHIN GROUP (ORDER BY PRS_PAI_MNT) AS m
FROM ER_PRS_F
GROUP BY 1
ORDER BY m DESC, 1
;
SELECT BEN_RES_DPT, count(*) AS n
FROM ER_PRS_F
GROUP BY 1
HAVING percentile_cont(0.5) WITHIN GROUP (ORDER BY PRS_PAI_MNT) > 10
;
SELECT left(atc, 3) AS c, sum(DISTINCT PHA_ACT_QSN) AS q
FROM ER_PHA_F
GROUP BY 1
ORDER BY q DESC, c
LIMIT 12
;
SELECT sex, count(*) AS n
FROM PERSON
GROUP BY 1
HAVING bool_or(resolved)
ORDER BY mode() WITHIN GROUP (ORDER BY birth_year)
