-- Casts both ways.
SELECT PHA_ACT_QSN::text AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT PHA_ACT_QSN::text::int AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT event_date::text AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT substr(event_date::text, 1, 7) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT substr(atc, 2, 2)::int AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT left(event_date::text, 4)::int AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT valid::text AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT valid::int AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT PHA_ACT_PRU::text AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT (PHA_ACT_PRU::text)::numeric(10,1) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc::varchar(2) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT (PHA_ACT_QSN > 1)::text AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT PHA_ACT_QSN::numeric(6,2) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT '2019-01-01'::date + PHA_ACT_QSN::int AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
