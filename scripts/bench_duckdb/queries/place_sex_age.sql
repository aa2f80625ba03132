SELECT p.BEN_RES_DPT, p.sex, band(year(c.event_date) - p.birth_year, 10) AS age, count(*) AS lines,
    sum(c.PRS_PAI_MNT) AS paid, count(DISTINCT c.patient) AS patients
FROM ER_PRS_F c JOIN PERSON p USING (patient)
WHERE c.valid_cost AND p.resolved
GROUP BY 1, 2, 3
