SELECT year(event_date) AS y, count(*) AS patients
FROM (SELECT DISTINCT ON (patient) patient, event_date, PHA_ACT_QSN FROM ER_PHA_F WHERE valid ORDER BY patient, event_date, PHA_ACT_QSN) x
GROUP BY 1
