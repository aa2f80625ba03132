-- Ages and intervals.
SELECT extract(year
FROM age(DATE '2020-12-31', birth_date)) AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT extract(month
FROM age(DATE '2020-12-31', birth_date)) AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT extract(year
FROM age(death_date, birth_date)) AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT (birth_date + INTERVAL '18 years')::date > DATE '2020-01-01' AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT extract(year
FROM (birth_date + INTERVAL '65 years')::date) AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT (death_date - INTERVAL '1 month')::date < DATE '2019-06-01' AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT DATE '2020-12-31' - birth_date > 36525 AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT (birth_date, death_date) OVERLAPS (DATE '2019-01-01', DATE '2019-12-31') AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT death_date IS DISTINCT
FROM NULL AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT birth_date BETWEEN '1950-01-01' AND '1959-12-31' AS x, count(*) AS n
FROM PERSON
GROUP BY 1
;
SELECT extract(day
FROM age(event_end, event_date)) AS d, count(*) AS n
FROM T_MCOaaC
GROUP BY 1
