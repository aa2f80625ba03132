SELECT CASE WHEN paid < 100 THEN '0' WHEN paid < 1000 THEN '1' ELSE '2' END AS band, count(*) AS patients, sum(paid) AS paid
FROM (SELECT patient, sum(PRS_PAI_MNT) AS paid FROM ER_PRS_F WHERE patient IS NOT NULL GROUP BY patient) x
GROUP BY 1
