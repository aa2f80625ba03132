SELECT count(*) AS n, count(DISTINCT a.patient) AS patients
FROM T_MCOaaC a
WHERE EXISTS (SELECT 1 FROM T_MCOaaC b WHERE b.patient = a.patient AND b.event_date > a.event_end AND b.event_date <= a.event_end + 90)
