SELECT x.letter, x.packages
FROM (SELECT left(PHA_ATC_CLA, 1) AS letter, count(*) AS packages FROM IR_PHA_R GROUP BY 1) x
WHERE x.packages > 3
ORDER BY 2 DESC, 1
