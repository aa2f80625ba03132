SELECT sex, count(*) AS n
FROM PERSON
WHERE birth_year > 3000
GROUP BY ROLLUP (sex)
