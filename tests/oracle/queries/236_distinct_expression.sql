SELECT DISTINCT sex || '-' || birth_year / 10 AS k
FROM PERSON
