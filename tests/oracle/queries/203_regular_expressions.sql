-- Regular expressions over codes.
SELECT atc ~ '^A10' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '[0-9]{2}$' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '^[A-C]' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '^(A|C)10' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '0{2}' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '^.{5}$' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ 'A0?1' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '(?i)^a10' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '^\w+$' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '[[:digit:]]{2}[A-Z]{2}' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '^[^AB]' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~ '1$|2$' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc !~ '^A' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc ~* '^a10b' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT left(atc, 4) AS x, count(*) AS n
FROM ER_PHA_F
WHERE atc ~ '^C0[0-9]'
GROUP BY 1
;
SELECT atc SIMILAR TO 'A10(A|B)%' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc SIMILAR TO '[CD]_+[0-9]{2}' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT atc NOT SIMILAR TO '%(0|1)' AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT regexp_like(atc, '^a', 'i') AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
