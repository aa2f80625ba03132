SELECT count(*) AS lines, min(event_date + 30) AS first_limit, max(event_date - 30) AS last_limit, count(DISTINCT event_date) AS days
FROM ER_PHA_F
WHERE event_date + 7 > DATE '2020-06-30' AND event_date <= DATE '2020-06-30' + 7
