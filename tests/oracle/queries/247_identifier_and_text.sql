-- An identifier's fixed bytes beside computed texts in set operations.
SELECT count(*) AS n, min(c) AS least FROM (SELECT BEN_NIR_PSA AS c FROM IR_IMB_R UNION SELECT concat('x', BEN_SEX_COD) FROM IR_BEN_R
  EXCEPT SELECT concat(BEN_NIR_PSA, '') FROM IR_BEN_R WHERE BEN_SEX_COD = 1) a
