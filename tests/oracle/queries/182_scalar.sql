SELECT count(*) AS n, (SELECT count(*) FROM PERSON) AS people
FROM ER_PHA_F
