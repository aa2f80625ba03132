SELECT count(*) AS lines, sum(PHA_ACT_QSN) AS boxes, count(DISTINCT patient) AS patients
FROM ER_PHA_F
WHERE PHA_PRS_C13 = 3400930241592
