-- Days written by to_char.
SELECT to_char(event_date, 'YYYY-MM') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'DD/MM/YYYY') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'IYYY-IW') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'FMDay') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'Month YYYY') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'Dy DDth Mon') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'Q/YY') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'DDD') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'D W WW') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'RM') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, '"S"IW') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'CC J') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
;
SELECT to_char(event_date, 'FMMM.FMDD.YY') AS x, count(*) AS n
FROM ER_CAM_F
GROUP BY 1
