SELECT count(*) AS n
FROM ER_PRS_F
WHERE event_date = (SELECT max(event_date) FROM ER_PRS_F)
