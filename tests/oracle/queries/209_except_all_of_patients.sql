SELECT count(*) AS n, count(patient) AS p
FROM (SELECT patient FROM ER_PHA_F EXCEPT ALL SELECT patient FROM T_MCOaaC) x
