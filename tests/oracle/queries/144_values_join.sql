SELECT v.name, count(*) AS n
FROM ER_PHA_F d JOIN (VALUES ('A', 'metabolism'), ('C', 'heart'), ('N', 'nerves')) v(letter, name) ON left(d.atc, 1) = v.letter
GROUP BY 1
