-- Decimals are summed exactly, and keep their scale.
SELECT BEN_RES_DPT, count(*) AS lines, sum(PRS_PAI_MNT) AS paid, sum(BSE_REM_MNT) AS refunded, min(PRS_PAI_MNT) AS least, max(PRS_PAI_MNT) AS most
FROM ER_PRS_F
WHERE valid_cost
GROUP BY BEN_RES_DPT
ORDER BY paid DESC
