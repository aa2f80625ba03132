SELECT CASE BEN_SEX_COD WHEN 1 THEN 'M' WHEN 2 THEN 'F' ELSE 'unknown' END AS sex, count(*) AS rows, count(DISTINCT patient) AS patients
FROM IR_BEN_R
GROUP BY 1
ORDER BY 1
