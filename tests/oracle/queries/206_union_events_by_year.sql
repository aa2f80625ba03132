SELECT k, year(d) AS y, count(*) AS n, count(DISTINCT patient) AS p
FROM (SELECT patient, 'drug' AS k, event_date AS d FROM ER_PHA_F UNION ALL SELECT patient, 'stay', event_date FROM T_MCOaaC UNION ALL SELECT patient, 'ald', event_date FROM IR_IMB_R) x
GROUP BY 1, 2
