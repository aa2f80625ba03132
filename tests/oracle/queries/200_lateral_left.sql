SELECT x.y, count(*) AS people
FROM PERSON p LEFT JOIN LATERAL (SELECT year(s.event_date) AS y FROM T_MCOaaC s WHERE s.patient = p.patient) x ON true
GROUP BY x.y
