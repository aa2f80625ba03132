SELECT count(DISTINCT s.patient) AS patients, count(*) AS stays
FROM T_MCOaaC s
WHERE s.valid AND EXISTS (SELECT 1 FROM ER_PHA_F d WHERE d.patient = s.patient AND d.atc LIKE 'B01%' AND d.event_date BETWEEN s.event_date - 90 AND s.event_date)
