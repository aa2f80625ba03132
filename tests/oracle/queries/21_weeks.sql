SELECT extract(isoyear FROM event_date) AS y, extract(week FROM event_date) AS w, count(*) AS stays
FROM T_MCOaaC
WHERE event_date >= DATE '2018-12-20' AND event_date < DATE '2020-01-15'
GROUP BY 1, 2
ORDER BY 1, 2
