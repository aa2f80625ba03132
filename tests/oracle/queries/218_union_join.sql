SELECT p.sex, count(*) AS n
FROM PERSON p JOIN (SELECT patient FROM IR_IMB_R UNION SELECT patient FROM T_MCOaaC) x USING (patient)
GROUP BY 1
