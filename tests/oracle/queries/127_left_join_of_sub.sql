SELECT coalesce(s.n, 0) AS stays, count(*) AS people
FROM PERSON p LEFT JOIN (SELECT patient, count(*) AS n FROM T_MCOaaC GROUP BY patient) s ON s.patient = p.patient
GROUP BY 1
