SELECT year(event_date) AS y FROM ER_PHA_F INTERSECT SELECT year(event_date) FROM T_MCOaaC
