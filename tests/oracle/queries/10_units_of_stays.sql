SELECT u.UM_TYP, b.ENT_MOD, b.SOR_MOD, count(*) AS units, sum(u.PAR_DUR_SEJ) AS days
FROM T_MCOaaUM u JOIN T_MCOaaB b USING (patient, mco_stay)
GROUP BY u.UM_TYP, b.ENT_MOD, b.SOR_MOD
ORDER BY 1, 2, 3
