SELECT count(*) AS pairs, count(DISTINCT a.patient) AS patients
FROM (SELECT patient, event_date FROM ER_PHA_F WHERE atc LIKE 'A10%') a JOIN (SELECT patient, event_date FROM T_MCOaaC) b ON a.patient = b.patient AND a.event_date < b.event_date
