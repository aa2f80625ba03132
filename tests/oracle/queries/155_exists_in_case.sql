SELECT CASE WHEN EXISTS (SELECT 1 FROM IR_IMB_R a WHERE a.patient = p.patient) THEN 'ald' ELSE 'none' END AS k, count(*) AS n
FROM PERSON p
GROUP BY 1
