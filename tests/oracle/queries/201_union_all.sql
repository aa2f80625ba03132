SELECT 'drugs' AS k, count(*) AS n FROM ER_PHA_F UNION ALL SELECT 'claims', count(*) FROM ER_PRS_F UNION ALL SELECT 'people', count(*) FROM PERSON
