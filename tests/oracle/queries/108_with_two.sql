WITH d AS (SELECT patient, count(*) AS drugs FROM ER_PHA_F GROUP BY patient), s AS (SELECT patient, count(*) AS stays FROM T_MCOaaC GROUP BY patient) SELECT stays, count(*) AS patients, sum(drugs) AS drugs
FROM d JOIN s USING (patient)
GROUP BY stays
