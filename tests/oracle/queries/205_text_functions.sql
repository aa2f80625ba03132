-- Texts of codes, once per distinct code.
SELECT split_part(atc, '0', 1) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT split_part(atc, 'B', 2) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT split_part(atc, '0', -1) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT initcap(atc) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT reverse(left(atc, 3)) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT translate(left(atc, 3), '0123', 'abc') AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT overlay(left(atc, 4) placing '-' from 2 for 1) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT repeat(left(atc, 1), 3) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT ascii(atc) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT octet_length(atc) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT concat_ws('/', left(atc, 1), NULL, right(atc, 1)) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT rpad(left(atc, 2), 4, '.') AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT rtrim(atc, '0123456789') AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT lpad(right(atc, 2), 5, 'ab') AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT substr(atc, -1, 4) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT btrim(left(atc, 3), 'A1') AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT upper(left(atc, 1)) || lower(substr(atc, 2, 2)) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT chr(ascii(atc) + 1) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT strpos(atc, '1') AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT replace(left(atc, 4), '0', 'zero') AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT length(atc) * 2 AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT left(atc, -4) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
;
SELECT right(atc, -5) AS x, count(*) AS n
FROM ER_PHA_F
GROUP BY 1
