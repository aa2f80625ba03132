-- LIKE in every form.
SELECT atc LIKE 'A%' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc LIKE '%01' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc LIKE 'A10B_0_' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc LIKE '%B%1' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc LIKE '_______' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc LIKE '%' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ILIKE 'a10%' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc NOT ILIKE '%a%' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc LIKE ANY (ARRAY['A10%', 'C%']) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc NOT LIKE ALL (ARRAY['A10%', 'C%']) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc LIKE left(atc, 2) || '%' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc LIKE '%_%' ESCAPE '!' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ^@ 'N02' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
