SELECT year(first_day) AS y, count(*) AS patients
FROM (SELECT patient, min(event_date) AS first_day FROM ER_PHA_F WHERE atc LIKE 'C10%' AND patient IS NOT NULL GROUP BY patient) f
GROUP BY 1
