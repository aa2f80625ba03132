-- Rows of nobody are counted, their patient is not.
SELECT patient IS NULL AS nobody, valid, count(*) AS stays, count(patient) AS with_patient, count(DISTINCT patient) AS patients
FROM T_MCOaaC
GROUP BY 1, 2
ORDER BY 1, 2
