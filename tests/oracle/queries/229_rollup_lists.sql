SELECT sex, resolved, birth_year / 50 AS b, count(*) AS n
FROM PERSON
GROUP BY ROLLUP ((sex, resolved), birth_year / 50)
