-- NOT IN drops nulls, as in PostgreSQL; the rule keeps them.
SELECT rule_d1, DPN_QLF IS NULL AS unknown, count(*) AS lines, count(DPN_QLF) AS known
FROM ER_PRS_F
WHERE rule_d1 OR DPN_QLF NOT IN (71)
GROUP BY 1, 2
ORDER BY 1, 2
