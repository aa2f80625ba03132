SELECT year(a.event_date) AS y, count(*) AS n
FROM ER_PHA_F a
WHERE a.atc LIKE 'C10%' AND NOT EXISTS (SELECT 1 FROM ER_PHA_F b WHERE b.patient = a.patient AND b.atc LIKE 'C10%' AND b.event_date < a.event_date AND b.event_date >= a.event_date - 365)
GROUP BY 1
