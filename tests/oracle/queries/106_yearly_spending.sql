SELECT sex, count(*) AS patients, sum(paid) AS paid, max(paid) AS most
FROM (SELECT patient, sum(PRS_PAI_MNT) AS paid FROM ER_PRS_F WHERE valid_cost AND year(event_date) = 2019 GROUP BY patient) s JOIN PERSON p USING (patient)
GROUP BY sex
