SELECT count(*) AS n
FROM PERSON p
WHERE EXISTS (SELECT 1 FROM ER_PHA_F d JOIN ER_PRS_F c USING (patient, claim) WHERE d.patient = p.patient AND c.PRS_PAI_MNT > 50)
