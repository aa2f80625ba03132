-- Every part of a day.
SELECT extract(year FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(quarter FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(month FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(week FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(day FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(dow FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(isodow FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(isoyear FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(decade FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(century FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(millennium FROM event_date) AS x, count(*) AS n
FROM ER_PHA_F
WHERE year(event_date) = 2019
GROUP BY 1
;
SELECT extract(epoch FROM event_date) AS e, extract(julian FROM event_date) AS j, extract(doy FROM event_date) AS d, count(*) AS n
FROM ER_CAM_F
GROUP BY 1, 2, 3
;
SELECT date_part('month', event_date)::int AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT date_trunc('week', event_date)::date AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT date_trunc('month', event_date)::date AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT date_trunc('quarter', event_date)::date AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT date_trunc('year', event_date)::date AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT date_trunc('decade', event_date)::date AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT date_trunc('century', event_date)::date AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
