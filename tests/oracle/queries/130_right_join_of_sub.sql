SELECT p.sex, count(*) AS n, sum(s.n) AS s
FROM (SELECT patient, count(*) AS n FROM T_MCOaaC GROUP BY patient) s RIGHT JOIN PERSON p ON p.patient = s.patient
GROUP BY 1
