-- A child shows its parent's key columns, which are stored once.
SELECT FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_TYP, FLX_EMT_NUM, ORG_CLE_NUM, count(*) AS lines, min(PRS_ORD_NUM) AS first, max(DCT_ORD_NUM) AS last
FROM ER_CAM_F
WHERE FLX_DIS_DTD >= DATE '2020-10-01'
GROUP BY 1, 2, 3, 4, 5
ORDER BY lines DESC
LIMIT 25
