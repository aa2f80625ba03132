SELECT birth_year, sum(birth_year) AS s, count(*) AS n
FROM PERSON
WHERE birth_year BETWEEN 1950 AND 1955
GROUP BY GROUPING SETS ((birth_year), ())
