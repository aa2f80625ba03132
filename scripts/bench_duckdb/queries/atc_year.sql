SELECT atc, year(event_date) AS y, count(*) AS lines, sum(PHA_ACT_QSN) AS boxes, count(DISTINCT patient) AS patients
FROM ER_PHA_F
GROUP BY 1, 2
