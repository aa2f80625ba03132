SELECT atc, count(*) AS n
FROM ER_PHA_F
GROUP BY atc
HAVING count(*) > (SELECT count(*) / 100 FROM ER_PHA_F)
