SELECT count(*) AS n
FROM PERSON p
WHERE (SELECT count(*) FROM ER_PHA_F d WHERE d.patient = p.patient AND d.atc LIKE 'N%') >= 5
