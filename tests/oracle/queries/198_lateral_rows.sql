SELECT p.sex, count(*) AS n
FROM PERSON p, LATERAL (SELECT d.event_date FROM ER_PHA_F d WHERE d.patient = p.patient AND d.atc LIKE 'A%') x
GROUP BY p.sex
