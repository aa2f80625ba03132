SELECT p.sex, count(*) AS n, max(t.all_people) AS all_people
FROM PERSON p CROSS JOIN (SELECT count(*) AS all_people FROM PERSON) t
GROUP BY 1
