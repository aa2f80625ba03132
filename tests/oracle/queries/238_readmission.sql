SELECT year(a.event_date) AS y, count(*) AS stays, count(*) FILTER (WHERE EXISTS (SELECT 1 FROM T_MCOaaC b WHERE b.patient = a.patient AND b.event_date > a.event_end AND b.event_date <= a.event_end + 30)) AS again
FROM T_MCOaaC a
WHERE a.valid
GROUP BY 1
