SELECT d.large_package, count(DISTINCT d.claim) AS claims, count(DISTINCT d.atc) AS classes, count(DISTINCT d.event_date) AS days
FROM ER_PHA_F d
GROUP BY 1
ORDER BY 1
