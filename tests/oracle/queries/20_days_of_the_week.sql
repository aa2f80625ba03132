SELECT extract(isodow FROM event_date) AS day, extract(dow FROM event_date) AS us_day, count(*) AS lines
FROM ER_PRS_F
WHERE year(event_date) = 2019
GROUP BY 1, 2
ORDER BY 1
