WITH drugs AS (SELECT patient FROM ER_PHA_F WHERE atc LIKE 'A10%' AND valid AND year(event_date) = 2019 GROUP BY patient HAVING count(DISTINCT event_date) >= 3), ald AS (SELECT DISTINCT patient FROM IR_IMB_R WHERE MED_MTF_COD LIKE 'E1%'), stays AS (SELECT DISTINCT patient FROM T_MCOaaD WHERE ASS_DGN LIKE 'E1%') SELECT p.sex, count(*) AS n
FROM (SELECT patient FROM drugs UNION SELECT patient FROM ald UNION SELECT patient FROM stays) c JOIN PERSON p USING (patient)
GROUP BY p.sex
