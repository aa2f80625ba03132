SELECT count(*) AS n, count(DISTINCT patient) AS p
FROM (SELECT patient FROM ER_PHA_F WHERE atc LIKE 'A10%' UNION SELECT patient FROM T_MCOaaC) x
