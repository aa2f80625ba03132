WITH a AS (SELECT patient, atc FROM ER_PHA_F WHERE valid), b AS (SELECT patient, count(DISTINCT atc) AS n FROM a GROUP BY patient) SELECT n, count(*) AS c
FROM b
GROUP BY n
