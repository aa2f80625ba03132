SELECT count(*) AS n
FROM ER_PHA_F d
WHERE (d.patient, d.event_date) IN (SELECT patient, event_date FROM T_MCOaaC)
