SELECT atc, count(*) AS lines
FROM ER_PHA_F
WHERE event_date < DATE '1990-01-01'
GROUP BY atc
