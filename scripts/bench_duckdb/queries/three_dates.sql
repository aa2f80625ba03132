SELECT y, count(*) AS people
FROM (SELECT patient, year(event_date) AS y FROM ER_PHA_F WHERE atc LIKE 'A10%' AND patient IS NOT NULL
    GROUP BY patient, year(event_date) HAVING count(DISTINCT event_date) >= 3) AS treated
GROUP BY 1
