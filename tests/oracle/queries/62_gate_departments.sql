SELECT BEN_RES_DPT, count(*) AS lines, count(DISTINCT patient) AS patients
FROM ER_PRS_F
WHERE event_date >= DATE '2020-01-01'
GROUP BY BEN_RES_DPT
ORDER BY BEN_RES_DPT
-- keys: 1
