SELECT x.sex, count(*) AS n, sum(x.q) AS q
FROM (SELECT p.sex, d.PHA_ACT_QSN AS q FROM ER_PHA_F d JOIN PERSON p USING (patient) WHERE d.valid) x
GROUP BY 1
