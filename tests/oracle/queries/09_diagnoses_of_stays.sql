SELECT substr(d.ASS_DGN, 1, 3) AS category, count(*) AS times, count(DISTINCT d.patient) AS patients
FROM T_MCOaaD d JOIN T_MCOaaB b USING (patient, mco_stay)
WHERE b.DGN_PAL LIKE 'I%'
GROUP BY 1
ORDER BY times DESC, category
