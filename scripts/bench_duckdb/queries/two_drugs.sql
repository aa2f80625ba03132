SELECT count(*) AS people
FROM (SELECT patient FROM ER_PHA_F WHERE atc LIKE 'A10%' AND patient IS NOT NULL GROUP BY patient) AS a
    JOIN (SELECT patient FROM ER_PHA_F WHERE atc LIKE 'C10%' AND patient IS NOT NULL GROUP BY patient) AS b ON a.patient = b.patient
