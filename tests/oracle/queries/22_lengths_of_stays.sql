SELECT event_end - event_date AS nights, count(*) AS stays, count(DISTINCT patient) AS patients
FROM T_MCOaaC
GROUP BY 1
ORDER BY stays DESC
LIMIT 12
