SELECT PSP_SPE_COD, count(*) AS lines, count(DISTINCT patient) AS patients
FROM ER_PRS_F
WHERE PRS_PAI_MNT > 500
GROUP BY 1
