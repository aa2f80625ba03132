SELECT sex, birth_year / 20 AS b, count(*) AS n
FROM PERSON
GROUP BY ROLLUP (sex, birth_year / 20)
