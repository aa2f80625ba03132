-- Texts joined in order; booleans of groups.
SELECT sex, string_agg(DISTINCT BEN_RES_DPT, ',' ORDER BY BEN_RES_DPT) AS d
FROM PERSON
GROUP BY 1
;
SELECT IMB_ETM_NAT, string_agg(DISTINCT IMB_ALD_NUM::text, '/' ORDER BY IMB_ALD_NUM::text DESC) AS a
FROM IR_IMB_R
GROUP BY 1
;
SELECT year(event_date) AS y, string_agg(DISTINCT PHA_MOD_PRN, '' ORDER BY PHA_MOD_PRN) AS modes
FROM ER_PHA_F
GROUP BY 1
;
SELECT PRS_NAT_REF, CASE WHEN bool_and(valid) THEN 1 ELSE 0 END AS all_valid, CASE WHEN bool_or(valid) THEN 1 ELSE 0 END AS some_valid
FROM ER_PRS_F
GROUP BY 1
;
SELECT sex, CASE WHEN every(resolved) THEN 'all' ELSE 'not all' END AS r, count(*) AS n
FROM PERSON
GROUP BY 1
