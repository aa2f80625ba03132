SELECT make_date(year(event_date), month(event_date), 1) AS month, count(*) AS stays, max(event_end) AS last_exit
FROM T_MCOaaC
WHERE event_date IS NOT NULL
GROUP BY 1
ORDER BY 1
