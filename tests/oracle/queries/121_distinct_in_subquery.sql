SELECT count(*) AS n, count(DISTINCT sex) AS s
FROM (SELECT DISTINCT sex, birth_year FROM PERSON) x
