SELECT sex, resolved, count(*) AS n
FROM PERSON
GROUP BY CUBE (sex, resolved)
HAVING count(*) > 100 OR grouping(sex) = 1
