SELECT count(*) AS n, sum(q) AS q
FROM (SELECT DISTINCT ON (patient, year(event_date)) patient, PHA_ACT_QSN AS q FROM ER_PHA_F ORDER BY patient, year(event_date), event_date, PHA_ACT_QSN) x
