SELECT sex, atc, n
FROM (SELECT DISTINCT ON (sex) sex, atc, count(*) AS n FROM ER_PHA_F JOIN PERSON USING (patient) WHERE atc IS NOT NULL GROUP BY sex, atc ORDER BY sex, n DESC, atc) x
