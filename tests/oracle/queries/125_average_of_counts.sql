-- float: mean
SELECT sex, avg(n) AS mean, min(n) AS least, max(n) AS most
FROM (SELECT patient, count(*) AS n FROM ER_PRS_F GROUP BY patient) x JOIN PERSON USING (patient)
GROUP BY sex
