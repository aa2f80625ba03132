SELECT sex, birth_year / 10 * 10 AS born, count(*) AS people, count(death_date) AS dead
FROM PERSON
WHERE resolved
GROUP BY 1, 2
ORDER BY 1, 2
