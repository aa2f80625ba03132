SELECT patient, event_date, event_end, atc, PHA_ACT_QSN, large_package
FROM ER_PHA_F
WHERE atc LIKE 'A10A%' AND PHA_ACT_QSN < 0
ORDER BY event_date, patient
LIMIT 50
