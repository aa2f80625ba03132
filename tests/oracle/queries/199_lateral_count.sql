SELECT x.n, count(*) AS people
FROM PERSON p CROSS JOIN LATERAL (SELECT count(*) AS n, min(event_date) AS d FROM T_MCOaaC s WHERE s.patient = p.patient) x
GROUP BY x.n
