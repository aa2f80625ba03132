SELECT y, percentile_disc(0.25) WITHIN GROUP (ORDER BY paid) AS q1, percentile_disc(0.5) WITHIN GROUP (ORDER BY paid) AS q2,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY paid) AS q9
FROM (SELECT patient, year(event_date) AS y, sum(PRS_PAI_MNT) AS paid FROM ER_PRS_F WHERE patient IS NOT NULL
    GROUP BY patient, year(event_date)) AS spending
GROUP BY 1
