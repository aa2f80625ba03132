SELECT upper(left(MED_MTF_COD, 1)) AS letter, length(trim(MED_MTF_COD)) AS size, count(*) AS rows
FROM IR_IMB_R
WHERE MED_MTF_COD <> '' AND MED_MTF_COD NOT LIKE 'X%' AND lower(MED_MTF_COD) > 'c5'
GROUP BY 1, 2
ORDER BY 1, 2
