SELECT count(*) AS lines, sum(PRS_PAI_MNT) AS paid
FROM ER_PRS_F
WHERE valid_cost
