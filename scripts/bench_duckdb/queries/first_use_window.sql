SELECT year(event_date) AS y, count(*) AS starts, count(DISTINCT patient) AS patients
FROM (SELECT patient, event_date, event_date - lag(event_date) OVER (PARTITION BY patient ORDER BY event_date) AS gap
    FROM ER_PHA_F WHERE atc LIKE 'C10%' AND patient IS NOT NULL) AS deliveries
WHERE gap IS NULL OR gap > 365
GROUP BY 1
