SELECT x.a, x.b
FROM (SELECT sex, count(*) FROM PERSON GROUP BY sex) x(a, b)
ORDER BY 1
