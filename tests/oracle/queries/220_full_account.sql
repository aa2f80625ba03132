WITH e AS (SELECT patient, event_date AS d, 1 AS k FROM ER_PHA_F UNION ALL SELECT patient, event_date, 2 FROM T_MCOaaC) SELECT k, count(*) AS n, min(d) AS first_day, max(d) AS last_day
FROM e
GROUP BY k
