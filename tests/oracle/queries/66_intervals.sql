SELECT count(*) AS lines, count(*) FILTER (WHERE event_date >= DATE '2020-01-31' + INTERVAL '1 month') AS after_february, count(*) FILTER (WHERE event_date < DATE '2020-02-29' - INTERVAL '1 year') AS a_year_before
FROM ER_PHA_F
