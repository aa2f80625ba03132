SELECT extract(year FROM event_date) AS y, extract(month FROM event_date) AS m, extract(quarter FROM event_date) AS q, count(*) AS lines
FROM ER_CAM_F
GROUP BY 1, 2, 3
ORDER BY y, m
