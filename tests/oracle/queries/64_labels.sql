-- Text with quotes, delimiters and accents.
SELECT PHA_MED_NOM, count(*) AS packages, count(DISTINCT PHA_ATC_CLA) AS classes
FROM IR_PHA_R
WHERE PHA_MED_NOM LIKE '%;%' OR PHA_MED_NOM LIKE '%A10%'
GROUP BY PHA_MED_NOM
ORDER BY packages DESC, PHA_MED_NOM
