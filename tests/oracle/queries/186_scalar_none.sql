SELECT count(*) AS n, (SELECT max(birth_year) FROM PERSON WHERE sex = 'X') AS y
FROM PERSON
