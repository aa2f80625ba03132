SELECT p.BEN_RES_DPT, count(*) AS stays
FROM T_MCOaaB b, PERSON p
WHERE b.patient = p.patient AND b.SEJ_NBJ > 5
GROUP BY p.BEN_RES_DPT
ORDER BY stays DESC
LIMIT 7
