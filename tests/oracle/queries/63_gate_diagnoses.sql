SELECT substr(DGN_PAL, 1, 1) AS chapter, count(*) AS stays, count(DISTINCT patient) AS patients
FROM T_MCOaaB
GROUP BY 1
ORDER BY 1
-- keys: 1
