SELECT n, count(*) AS classes
FROM (SELECT atc, count(DISTINCT patient) AS n FROM ER_PHA_F GROUP BY atc) x
GROUP BY n
ORDER BY 2 DESC
