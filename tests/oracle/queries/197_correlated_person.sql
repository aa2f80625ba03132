SELECT (SELECT sex FROM PERSON p WHERE p.patient = d.patient) AS sex, count(*) AS n
FROM ER_PHA_F d
GROUP BY 1
