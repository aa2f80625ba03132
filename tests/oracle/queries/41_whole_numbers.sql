SELECT PRS_ACT_QTE % 3 AS rest, PRS_ACT_QTE / 2 AS half, abs(PRS_ACT_QTE) AS size, sum(-PRS_ACT_QTE + 1) AS turned, count(*) AS lines
FROM ER_PRS_F
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
