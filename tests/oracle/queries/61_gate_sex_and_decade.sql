-- What may leave: cells of 1 to 10 patients are `s`.
SELECT p.sex, p.birth_year / 10 * 10 AS born, sum(c.PRS_PAI_MNT) AS paid, count(*) AS lines, count(DISTINCT c.patient) AS patients
FROM ER_PRS_F c JOIN PERSON p USING (patient)
WHERE c.valid_cost
GROUP BY 1, 2
ORDER BY 1, 2
-- keys: 2
