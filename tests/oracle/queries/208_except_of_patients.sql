SELECT count(*) AS n, count(patient) AS p
FROM (SELECT patient FROM ER_PRS_F EXCEPT SELECT patient FROM T_MCOaaC) x
