SELECT EXISTS (SELECT 1 FROM T_MCOaaC s WHERE s.patient = p.patient) AS stayed, count(*) AS n
FROM PERSON p
GROUP BY 1
