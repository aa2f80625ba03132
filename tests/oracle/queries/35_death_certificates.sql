SELECT k.DCD_CIM_COD, count(*) AS deaths, count(p.patient) AS known
FROM KI_CCI_R k LEFT JOIN PERSON p USING (patient)
GROUP BY k.DCD_CIM_COD
ORDER BY 1
