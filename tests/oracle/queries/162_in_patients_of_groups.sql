SELECT sex, count(*) AS n
FROM PERSON
WHERE patient IN (SELECT patient FROM ER_PHA_F GROUP BY patient HAVING count(*) > 100)
GROUP BY sex
