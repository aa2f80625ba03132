SELECT atc, count(DISTINCT patient) AS patients, count(patient) AS known
FROM (SELECT patient, atc, event_date FROM ER_PHA_F WHERE atc IS NOT NULL) x
GROUP BY atc
HAVING count(DISTINCT patient) > 30
