SELECT CASE WHEN birth_year < (SELECT avg(birth_year) FROM PERSON) THEN 'old' ELSE 'young' END AS k, count(*) AS n
FROM PERSON
GROUP BY 1
