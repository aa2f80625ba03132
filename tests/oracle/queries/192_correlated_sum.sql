SELECT p.sex, sum((SELECT sum(d.PHA_ACT_QSN) FROM ER_PHA_F d WHERE d.patient = p.patient)) AS boxes, count(*) AS n
FROM PERSON p
GROUP BY 1
