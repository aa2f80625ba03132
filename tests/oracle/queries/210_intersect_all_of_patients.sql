SELECT count(*) AS n, count(DISTINCT patient) AS p
FROM (SELECT patient FROM ER_PHA_F INTERSECT ALL SELECT patient FROM ER_PRS_F) x
