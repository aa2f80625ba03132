SELECT sex, count(*) FILTER (WHERE EXISTS (SELECT 1 FROM IR_IMB_R a WHERE a.patient = p.patient)) AS ald, count(*) AS n
FROM PERSON p
GROUP BY sex
