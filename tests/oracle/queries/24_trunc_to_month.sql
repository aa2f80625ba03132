SELECT date_trunc('month', event_date)::date AS month, count(*) AS lines
FROM ER_BIO_F
GROUP BY 1
ORDER BY month DESC
