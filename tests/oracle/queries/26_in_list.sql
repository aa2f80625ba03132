SELECT atc, large_package, sum(PHA_ACT_QSN) AS boxes
FROM ER_PHA_F
WHERE atc IN ('A10BA02', 'C10AA05', 'N02BE01', 'NOTHING') AND event_date NOT BETWEEN DATE '2019-02-01' AND DATE '2019-11-30'
GROUP BY atc, large_package
ORDER BY atc, large_package
