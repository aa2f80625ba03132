SELECT p.sex, count(*) AS n, count(s.patient) AS s
FROM T_MCOaaC s RIGHT JOIN PERSON p USING (patient)
GROUP BY 1
