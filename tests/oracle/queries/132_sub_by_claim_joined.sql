SELECT x.lines, count(*) AS claims, sum(c.PRS_PAI_MNT) AS paid
FROM ER_PRS_F c JOIN (SELECT claim, count(*) AS lines FROM ER_PHA_F GROUP BY claim) x USING (claim)
GROUP BY 1
