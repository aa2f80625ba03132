SELECT (SELECT count(*) + 1 FROM IR_IMB_R a WHERE a.patient = p.patient) AS k, count(*) AS n
FROM PERSON p
GROUP BY 1
