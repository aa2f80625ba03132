SELECT count(*) AS n
FROM PERSON
WHERE birth_year > (SELECT avg(birth_year) FROM PERSON)
