SELECT year, count(*) AS patients
FROM (SELECT patient, year(event_date) AS year FROM ER_PHA_F WHERE atc LIKE 'A10%' AND valid GROUP BY patient, year(event_date) HAVING count(DISTINCT event_date) >= 3) x
GROUP BY year
