SELECT p.sex, count(*) * 1000 / max(t.n) AS per_mille
FROM PERSON p, (SELECT count(*) AS n FROM PERSON) t
GROUP BY p.sex
