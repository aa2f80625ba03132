SELECT year(d.event_date) AS y, p.sex, count(*) AS drug_lines, count(DISTINCT d.patient) AS patients, sum(d.PHA_ACT_QSN) AS boxes
FROM ER_PHA_F d JOIN PERSON p USING (patient)
WHERE d.atc LIKE 'A10%' AND d.event_date BETWEEN DATE '2019-01-01' AND DATE '2019-12-31'
GROUP BY 1, 2
ORDER BY boxes DESC
LIMIT 20
