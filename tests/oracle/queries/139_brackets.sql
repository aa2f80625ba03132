SELECT p.sex, count(*) AS n
FROM PERSON p JOIN (T_MCOaaC s JOIN T_MCOaaD d USING (patient, mco_stay)) ON p.patient = s.patient
GROUP BY 1
