SELECT a.IMB_ALD_NUM, count(*) AS lines, count(DISTINCT d.patient) AS patients
FROM ER_PHA_F d JOIN IR_IMB_R a USING (patient)
WHERE d.event_date >= a.event_date AND (a.event_end IS NULL OR d.event_date <= a.event_end)
GROUP BY a.IMB_ALD_NUM
ORDER BY 1
