SELECT b.GRG_GHM, count(*) AS stays, sum(b.SEJ_NBJ) AS nights, avg(b.SEJ_NBJ) AS mean_nights
FROM T_MCOaaB b JOIN T_MCOaaC c USING (patient, mco_stay)
WHERE c.valid
GROUP BY b.GRG_GHM
HAVING count(*) > 3
ORDER BY stays DESC, b.GRG_GHM
-- float: mean_nights
