SELECT count(*) AS n
FROM PERSON
WHERE birth_year > ANY (SELECT birth_year FROM PERSON WHERE sex = 'M' AND birth_year > 2010)
