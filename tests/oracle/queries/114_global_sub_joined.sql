SELECT d.atc, count(*) AS n, max(t.total) AS total
FROM ER_PHA_F d JOIN (SELECT atc, count(*) AS total FROM ER_PHA_F GROUP BY atc HAVING count(*) > 200) t ON t.atc = d.atc
WHERE d.valid
GROUP BY d.atc
