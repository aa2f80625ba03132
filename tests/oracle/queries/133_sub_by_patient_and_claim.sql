SELECT lines, count(*) AS claims, count(DISTINCT patient) AS patients
FROM (SELECT patient, claim, count(*) AS lines FROM ER_PHA_F GROUP BY patient, claim) x
GROUP BY lines
