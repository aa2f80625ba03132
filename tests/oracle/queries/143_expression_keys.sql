SELECT count(*) AS pairs
FROM (SELECT birth_year AS y, sex FROM PERSON WHERE sex = 'F') a JOIN (SELECT birth_year AS y FROM PERSON WHERE sex = 'M') b ON a.y = b.y + 1
