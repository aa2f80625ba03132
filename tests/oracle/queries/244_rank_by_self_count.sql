SELECT a.sex, a.n, count(*) AS rank
FROM (SELECT sex, birth_year, count(*) AS n FROM PERSON GROUP BY 1, 2) a JOIN (SELECT sex, birth_year, count(*) AS n FROM PERSON GROUP BY 1, 2) b ON a.sex = b.sex AND b.n >= a.n
GROUP BY a.sex, a.birth_year, a.n
ORDER BY 3, 1
LIMIT 20
