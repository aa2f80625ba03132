SELECT atc, (SELECT count(*) FROM IR_PHA_R r WHERE r.PHA_ATC_CLA = x.atc) AS packages
FROM (SELECT atc, count(*) AS n FROM ER_PHA_F GROUP BY atc HAVING count(*) > 200) x
