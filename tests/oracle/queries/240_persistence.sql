WITH f AS (SELECT patient, min(event_date) AS d0 FROM ER_PHA_F WHERE atc LIKE 'C10%' GROUP BY patient) SELECT (SELECT count(*) FROM PERSON) AS people, count(*) AS users, count(*) FILTER (WHERE x.n > 0) AS later
FROM f JOIN (SELECT patient, count(*) AS n FROM ER_PHA_F WHERE atc LIKE 'C10%' AND event_date > DATE '2019-06-01' GROUP BY patient) x USING (patient)
