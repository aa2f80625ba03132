SELECT b.d - a.d AS gap, count(*) AS n
FROM (SELECT patient, event_date AS d FROM T_MCOaaC) a JOIN (SELECT patient, event_date AS d FROM T_MCOaaC) b ON a.patient = b.patient AND b.d > a.d
GROUP BY 1
ORDER BY 1
LIMIT 40
