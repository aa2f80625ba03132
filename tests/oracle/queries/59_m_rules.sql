SELECT file_year, rule_m1, rule_m2, rule_m3, rule_m5, rule_m6, session, valid, count(*) AS stays
FROM T_MCOaaB
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
