-- Window functions: first uses, gaps, runs.
SELECT year(event_date) AS y, count(*) AS starts, count(DISTINCT patient) AS patients
FROM (SELECT patient, event_date, event_date - lag(event_date) OVER (PARTITION BY patient ORDER BY event_date) AS gap FROM ER_PHA_F WHERE atc LIKE 'C10%') AS x
WHERE gap IS NULL OR gap > 180
GROUP BY 1
;
SELECT gap / 30 AS months, count(*) AS n
FROM (SELECT event_date - lag(event_date) OVER (PARTITION BY patient, atc ORDER BY event_date) AS gap FROM ER_PHA_F) AS x
GROUP BY 1
;
SELECT n, count(*) AS patients
FROM (SELECT patient, row_number() OVER (PARTITION BY patient ORDER BY event_date) AS n FROM ER_CAM_F WHERE patient IS NOT NULL) AS x
WHERE n <= 5
GROUP BY 1
;
SELECT left(first, 1) AS class, count(*) AS n
FROM (SELECT first_value(atc) OVER (PARTITION BY patient ORDER BY event_date, atc) AS first FROM ER_PHA_F WHERE patient IS NOT NULL AND atc IS NOT NULL) AS x
GROUP BY 1
;
SELECT k, count(*) AS n, sum(s) AS s
FROM (SELECT ntile(4) OVER (PARTITION BY patient ORDER BY event_date, PRS_PAI_MNT, PRS_NAT_REF) AS k, sum(PRS_PAI_MNT) OVER (PARTITION BY patient) AS s FROM ER_PRS_F WHERE patient IS NOT NULL AND PRS_NAT_REF = 3313) AS x
GROUP BY 1
;
SELECT count(*) AS n, sum(s) AS s, max(c) AS c
FROM (SELECT sum(PHA_ACT_QSN) OVER (PARTITION BY patient ORDER BY event_date RANGE BETWEEN INTERVAL '90 days' PRECEDING AND CURRENT ROW) AS s, count(*) OVER (PARTITION BY patient ORDER BY event_date RANGE BETWEEN INTERVAL '30 days' PRECEDING AND INTERVAL '30 days' FOLLOWING) AS c FROM ER_PHA_F WHERE patient IS NOT NULL AND atc LIKE 'A%') AS x
;
SELECT r, count(*) AS n
FROM (SELECT dense_rank() OVER (PARTITION BY patient ORDER BY event_date) AS r FROM T_MCOaaC WHERE patient IS NOT NULL) AS x
GROUP BY 1
;
SELECT atc, n, rank() OVER (ORDER BY n DESC) AS r
FROM (SELECT atc, count(*) AS n FROM ER_PHA_F GROUP BY atc) AS x
