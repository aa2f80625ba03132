SELECT substr(atc, 1, 3) AS class, count(*) AS lines, sum(PHA_ACT_QSN) AS boxes
FROM ER_PHA_F
GROUP BY 1
