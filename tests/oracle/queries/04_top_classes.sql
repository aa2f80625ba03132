SELECT left(atc, 3) AS class, count(*) AS lines, sum(PHA_ACT_QSN) AS boxes
FROM ER_PHA_F
WHERE valid
GROUP BY left(atc, 3)
HAVING count(*) >= 100
ORDER BY boxes DESC
LIMIT 15
