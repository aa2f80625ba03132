SELECT code, count(*) AS patients, sum(lines) AS lines
FROM (SELECT patient, 'class ' || substr(atc, 1, 1) AS code, count(*) AS lines FROM ER_PHA_F WHERE patient IS NOT NULL GROUP BY patient, code
      UNION ALL
      SELECT patient, 'group ' || substr(GRG_GHM, 1, 2) AS code, count(*) AS lines FROM T_MCOaaB WHERE patient IS NOT NULL GROUP BY patient, code) x
GROUP BY 1
