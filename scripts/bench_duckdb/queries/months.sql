SELECT year(event_date) AS y, month(event_date) AS m, count(*) AS lines, sum(PRS_PAI_MNT) AS paid
FROM ER_PRS_F
GROUP BY 1, 2
