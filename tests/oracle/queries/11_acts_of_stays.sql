SELECT a.CDC_ACT, count(*) AS acts, sum(a.NBR_EXE_ACT) AS times, count(DISTINCT a.mco_stay) AS stays
FROM T_MCOaaA a
GROUP BY a.CDC_ACT
ORDER BY acts DESC, a.CDC_ACT
LIMIT 30
