SELECT count(*) AS lines, sum(PRS_PAI_MNT - BSE_REM_MNT) AS rest, sum(PRS_PAI_MNT * PRS_ACT_QTE) AS product, max(PRS_PAI_MNT + 0.005) AS most, sum(PRS_PAI_MNT) / count(*) AS mean
FROM ER_PRS_F
WHERE PRS_PAI_MNT > 10.5 AND BSE_REM_MNT <> 0
-- float: mean
