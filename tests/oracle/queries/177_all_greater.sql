SELECT count(*) AS n
FROM PERSON
WHERE birth_year >= ALL (SELECT birth_year FROM PERSON WHERE birth_year IS NOT NULL)
