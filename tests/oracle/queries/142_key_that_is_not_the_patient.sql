SELECT count(*) AS pairs, count(DISTINCT a.patient) AS patients
FROM T_MCOaaC a JOIN T_MCOaaC b ON a.ETA_NUM = b.ETA_NUM AND a.event_date = b.event_date
