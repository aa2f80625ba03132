SELECT v.y, count(p.patient) AS people
FROM (VALUES (1950), (1960), (1850)) v(y) LEFT JOIN PERSON p ON p.birth_year = v.y
GROUP BY v.y
