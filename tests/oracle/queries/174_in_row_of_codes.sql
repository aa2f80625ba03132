SELECT count(*) AS n
FROM PERSON p
WHERE (p.sex, p.birth_year) IN (SELECT sex, max(birth_year) FROM PERSON GROUP BY sex)
