SELECT c.PRS_NAT_REF, count(*) AS lines
FROM ER_PRS_F c JOIN PERSON p USING (patient)
WHERE c.event_date > p.death_date
GROUP BY 1
ORDER BY lines DESC
LIMIT 10
