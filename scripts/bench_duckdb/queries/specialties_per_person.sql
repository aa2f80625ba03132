SELECT n, count(*) AS people
FROM (SELECT patient, count(DISTINCT PSP_SPE_COD) AS n FROM ER_PRS_F WHERE patient IS NOT NULL GROUP BY patient) AS seen
GROUP BY 1
