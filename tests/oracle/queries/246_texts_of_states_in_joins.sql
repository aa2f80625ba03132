-- Texts of rows that are put together within slots, on both sides of a join within slots.
WITH q AS (SELECT patient, dgn_rel AS c0 FROM T_MCOaaB EXCEPT SELECT patient, ben_res_com FROM PERSON)
SELECT split_part(lpad(b.c0, 2, '0'), 'A', 1) AS x, a.c0, count(*) AS n
FROM q a JOIN q b USING (patient)
WHERE EXISTS (SELECT 1 FROM T_MCOaaB s WHERE s.patient = a.patient)
GROUP BY 1, 2
;
SELECT lpad(b.c0, 3, '0') AS x, rank() OVER (PARTITION BY b.patient ORDER BY b.c0) AS r
FROM PERSON a JOIN (SELECT patient, dgn_rel AS c0 FROM T_MCOaaB EXCEPT SELECT patient, ben_res_com FROM PERSON) b USING (patient)
