SELECT coalesce(DGN_REL, 'none') AS related, nullif(ENT_MOD, '8') AS entry, count(*) AS stays
FROM T_MCOaaB
GROUP BY 1, 2
ORDER BY stays DESC, 1, 2
LIMIT 20
