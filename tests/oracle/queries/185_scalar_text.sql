SELECT count(*) AS n
FROM ER_PHA_F
WHERE atc = (SELECT max(atc) FROM ER_PHA_F)
