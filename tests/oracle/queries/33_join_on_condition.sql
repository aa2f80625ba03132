SELECT count(*) AS pairs, count(DISTINCT s.patient) AS patients
FROM T_MCOaaC s JOIN ER_PHA_F d ON s.patient = d.patient AND d.event_date BETWEEN s.event_end AND s.event_end + 10
WHERE d.atc LIKE 'N02%'
