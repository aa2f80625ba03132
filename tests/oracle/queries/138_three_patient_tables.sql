SELECT count(*) AS n, count(DISTINCT p.patient) AS patients
FROM PERSON p JOIN (SELECT DISTINCT patient FROM ER_PHA_F WHERE atc LIKE 'C%') d USING (patient) JOIN (SELECT DISTINCT patient FROM T_MCOaaC) s USING (patient)
