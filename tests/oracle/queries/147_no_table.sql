SELECT 1 AS one, 'x' AS x, 2 + 3 AS five, NULL AS nothing
