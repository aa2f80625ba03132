SELECT count(*) AS lines, sum(PHA_ACT_QSN) AS boxes, count(DISTINCT patient) AS patients
FROM ER_PHA_F
WHERE event_date BETWEEN DATE '2019-01-01' AND DATE '2019-12-31'
