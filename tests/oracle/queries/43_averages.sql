SELECT PRS_NAT_REF, count(*) AS lines, avg(PRS_ACT_QTE) AS quantity, avg(BSE_REM_MNT) AS refund, avg(CASE WHEN valid THEN PRS_PAI_MNT END) AS valid_paid
FROM ER_PRS_F
GROUP BY PRS_NAT_REF
ORDER BY PRS_NAT_REF
-- float: quantity refund valid_paid
