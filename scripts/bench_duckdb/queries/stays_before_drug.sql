SELECT year(c.event_date) AS y, count(*) AS stays
FROM T_MCOaaC c
WHERE EXISTS (SELECT 1 FROM ER_PHA_F d WHERE d.patient = c.patient AND d.atc LIKE 'A10%' AND d.event_date < c.event_date)
GROUP BY 1
