SELECT t.big, count(*) AS n
FROM ER_PHA_F d LEFT JOIN (SELECT atc, true AS big FROM ER_PHA_F GROUP BY atc HAVING count(*) > 200) t USING (atc)
GROUP BY t.big
