SELECT r.letter, count(*) AS n
FROM ER_PHA_F d JOIN (SELECT DISTINCT PHA_ATC_CLA AS atc, left(PHA_ATC_CLA, 1) AS letter FROM IR_PHA_R) r ON r.atc = d.atc
GROUP BY 1
