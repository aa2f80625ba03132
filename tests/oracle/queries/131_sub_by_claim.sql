SELECT lines, count(*) AS claims
FROM (SELECT claim, count(*) AS lines FROM ER_PHA_F GROUP BY claim) x
GROUP BY lines
