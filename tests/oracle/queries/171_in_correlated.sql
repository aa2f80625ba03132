SELECT count(*) AS n
FROM ER_PHA_F d
WHERE d.event_date IN (SELECT c.event_date FROM T_MCOaaC c WHERE c.patient = d.patient)
