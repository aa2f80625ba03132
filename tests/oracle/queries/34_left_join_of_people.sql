SELECT p.sex, count(*) AS rows, count(c.mco_stay) AS stays, count(DISTINCT p.patient) AS people
FROM PERSON p LEFT JOIN T_MCOaaC c ON p.patient = c.patient AND c.valid
GROUP BY p.sex
ORDER BY 1
