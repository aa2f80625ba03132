SELECT year(event_date) AS y, sum(CASE WHEN valid THEN 1 ELSE 0 END) AS kept, sum(CASE WHEN rule_d1 THEN 0 ELSE 1 END) AS d1, sum(CASE WHEN rule_d2 THEN 0 ELSE 1 END) AS d2, sum(CASE WHEN rule_d3 THEN 0 ELSE 1 END) AS d3, sum(CASE WHEN rule_d4 THEN 0 ELSE 1 END) AS d4, sum(CASE WHEN rule_d7 THEN 0 ELSE 1 END) AS d7, count(*) FILTER (WHERE valid_cost AND NOT valid) AS cost_only
FROM ER_PRS_F
GROUP BY 1
ORDER BY 1
