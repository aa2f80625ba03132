SELECT sex, resolved, count(*) AS n, grouping(sex, resolved) AS g
FROM PERSON
GROUP BY CUBE (sex, resolved)
