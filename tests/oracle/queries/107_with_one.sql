WITH t AS (SELECT patient, count(*) AS n FROM ER_PHA_F GROUP BY patient) SELECT count(*) AS groups, sum(n) AS n, max(n) AS most
FROM t
