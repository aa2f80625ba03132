SELECT sex, count(*) AS n
FROM PERSON
WHERE patient IN (SELECT patient FROM ER_PHA_F WHERE atc LIKE 'A10%')
GROUP BY sex
