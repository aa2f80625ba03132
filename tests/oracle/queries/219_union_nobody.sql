SELECT count(*) AS n, count(patient) AS p
FROM (SELECT patient FROM ER_PRS_F UNION SELECT patient FROM ER_PHA_F) x
