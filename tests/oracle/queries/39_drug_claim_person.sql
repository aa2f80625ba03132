SELECT p.sex, year(d.event_date) - p.birth_year AS age, sum(d.PHA_ACT_QSN) AS boxes, sum(c.PRS_PAI_MNT) AS paid
FROM ER_PHA_F d JOIN ER_PRS_F c USING (patient, claim) JOIN PERSON p USING (patient)
WHERE d.atc LIKE 'N02B%' AND d.valid
GROUP BY 1, 2
HAVING sum(d.PHA_ACT_QSN) >= 10
ORDER BY 1, 2
