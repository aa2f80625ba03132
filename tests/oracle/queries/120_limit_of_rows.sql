SELECT sex, count(*) AS n
FROM (SELECT patient, sex FROM PERSON ORDER BY patient LIMIT 100) x
GROUP BY sex
