-- Percentiles exact, of money, days and codes.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY PRS_PAI_MNT) AS median, percentile_cont(0.9) WITHIN GROUP (ORDER BY PRS_PAI_MNT) AS p90
FROM ER_PRS_F
WHERE valid_cost
-- float: median p90
;
SELECT PRS_NAT_REF, percentile_disc(0.25) WITHIN GROUP (ORDER BY PRS_PAI_MNT) AS q1, percentile_disc(0.75) WITHIN GROUP (ORDER BY PRS_PAI_MNT) AS q3
FROM ER_PRS_F
GROUP BY 1
;
SELECT sex, percentile_cont(0.25) WITHIN GROUP (ORDER BY birth_year) AS a, percentile_disc(0.5) WITHIN GROUP (ORDER BY birth_date) AS b
FROM PERSON
GROUP BY 1
-- float: a
;
SELECT BEN_RES_DPT, percentile_disc(0.5) WITHIN GROUP (ORDER BY event_date DESC) AS d
FROM ER_PRS_F
GROUP BY 1
;
SELECT year(event_date) AS y, percentile_disc(0.33) WITHIN GROUP (ORDER BY atc) AS a, mode() WITHIN GROUP (ORDER BY atc) AS m
FROM ER_PHA_F
GROUP BY 1
;
SELECT sex, mode() WITHIN GROUP (ORDER BY birth_year / 10) AS decade
FROM PERSON
GROUP BY 1
;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY event_end - event_date) AS nights
FROM T_MCOaaC
-- float: nights
;
SELECT left(atc, 1) AS class, percentile_cont(0.1) WITHIN GROUP (ORDER BY PHA_ACT_QSN) FILTER (WHERE valid) AS p
FROM ER_PHA_F
GROUP BY 1
-- float: p
