SELECT sex, birth_year, count(*) AS n
FROM PERSON
WHERE birth_year > 2005
GROUP BY sex, ROLLUP (birth_year)
