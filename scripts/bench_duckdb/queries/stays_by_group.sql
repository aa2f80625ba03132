SELECT b.GRG_GHM, count(*) AS stays, sum(b.SEJ_NBJ) AS nights, count(DISTINCT b.patient) AS patients
FROM T_MCOaaB b
WHERE b.valid
GROUP BY 1
