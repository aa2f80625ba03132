SELECT year((SELECT min(d.event_date) FROM ER_PHA_F d WHERE d.patient = p.patient)) AS y, count(*) AS n
FROM PERSON p
GROUP BY 1
