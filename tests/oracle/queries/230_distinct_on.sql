SELECT DISTINCT ON (atc) atc, event_date, PHA_ACT_QSN
FROM ER_PHA_F
ORDER BY atc, event_date, PHA_ACT_QSN DESC
