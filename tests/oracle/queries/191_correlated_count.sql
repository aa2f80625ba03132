SELECT (SELECT count(*) FROM T_MCOaaC s WHERE s.patient = p.patient) AS stays, count(*) AS people
FROM PERSON p
GROUP BY 1
