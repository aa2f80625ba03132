SELECT (patient IN (SELECT patient FROM T_MCOaaC)) AS k, count(*) AS n
FROM ER_PRS_F
GROUP BY 1
