SELECT c.PSP_SPE_COD, count(*) AS lines, count(DISTINCT c.PFS_PRE_NUM) AS prescribers, sum(d.PHA_ACT_QSN) AS boxes
FROM ER_PHA_F d JOIN ER_PRS_F c USING (patient, claim)
WHERE d.atc LIKE 'C%'
GROUP BY c.PSP_SPE_COD
ORDER BY 1
