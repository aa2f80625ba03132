SELECT count(*) AS pairs
FROM T_MCOaaC a JOIN T_MCOaaC b ON a.patient = b.patient AND b.event_date > a.event_end AND b.event_date <= a.event_end + 30
