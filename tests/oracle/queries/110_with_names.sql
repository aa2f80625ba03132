WITH t (who, many) AS (SELECT patient, count(*) FROM ER_PHA_F GROUP BY patient) SELECT count(who) AS w, sum(many) AS m
FROM t
