SELECT PSP_SPE_COD, year(event_date) AS y, count(*) AS lines, sum(PRS_PAI_MNT) AS paid, count(DISTINCT patient) AS patients
FROM ER_PRS_F
GROUP BY 1, 2
