SELECT p.sex, band(year(d.event_date) - p.birth_year, 10) AS age, substr(d.atc, 1, 1) AS class, count(*) AS lines,
    count(DISTINCT d.patient) AS patients
FROM ER_PHA_F d JOIN PERSON p ON p.patient = d.patient
WHERE p.resolved
GROUP BY 1, 2, 3
