-- jobs/new_metformin.json: the first delivery in {year}, none in the 365 days before, aged 40 or more then.
WITH delivery AS (
    SELECT patient, event_date FROM ER_PHA_F
    WHERE valid AND PHA_ACT_QSN > 0 AND patient IS NOT NULL AND (atc LIKE 'A10BA02%' OR atc LIKE 'A10BD%')),
entry AS (
    SELECT patient, min(event_date) AS day FROM delivery
    WHERE event_date BETWEEN make_date({year}, 1, 1) AND make_date({year}, 12, 31) GROUP BY patient),
new_user AS (
    SELECT * FROM entry e ANTI JOIN delivery d
        ON d.patient = e.patient AND d.event_date BETWEEN e.day - 365 AND e.day - 1)
SELECT sex, band(age, 10) AS band, count(*) AS patients
FROM (SELECT sex, date_sub('year', birth_date, day) AS age FROM new_user JOIN PERSON USING (patient))
WHERE age >= 40 GROUP BY 1, 2
