SELECT count(*) AS n, count(DISTINCT patient) AS p
FROM (SELECT patient, event_date FROM ER_PHA_F WHERE atc LIKE 'A10%' UNION ALL SELECT patient, event_date FROM T_MCOaaC) x
