SELECT count(*) AS lines, sum(PHA_ACT_QSN) AS boxes, avg(PHA_ACT_QSN) AS mean, min(event_date) AS first, max(atc) AS last, count(DISTINCT patient) AS patients
FROM ER_PHA_F
WHERE atc = 'Z99ZZ99'
