-- People with diabetes by CNAM's rule `diabete` of the national disease mapping, in a year n:
-- 1. antidiabetics (A10 but A10BX06) delivered on 3 dates of one calendar year, n or n-1, or on 2
--    when one package of that year is large; lines that cancel each other are no delivery;
-- 2. or an ALD with a code of diabetes that touches n;
-- 3. or a stay that ended in n or n-1 with diabetes as main or related diagnosis;
-- 4. or such a stay for a complication, with diabetes as another diagnosis of the same stay.
-- Out: oracle.diabetes (year, patient ...) and oracle.population, for every year of care.
CREATE TABLE oracle.year AS
    SELECT DISTINCT year(event_date) AS year FROM er_prs_f WHERE event_date IS NOT NULL
        AND year(event_date) >= (SELECT min(file_year) FROM t_mcoaac);

CREATE TABLE oracle.delivery AS
    SELECT d.patient, d.event_date, d.large_package
    FROM er_pha_f d JOIN er_prs_f p USING (claim)
    WHERE d.valid AND d.patient IS NOT NULL AND d.event_date IS NOT NULL
        AND d.atc LIKE 'A10%' AND d.atc NOT LIKE 'A10BX06%'
    GROUP BY d.patient, d.event_date, d.atc, d.pha_prs_c13, d.large_package, p.pfs_pre_num
    HAVING sum(d.pha_act_qsn) > 0;
CREATE TABLE oracle.treated AS
    SELECT patient, year(event_date) AS year FROM oracle.delivery GROUP BY 1, 2
    HAVING count(DISTINCT event_date) >= 3 OR (count(DISTINCT event_date) = 2 AND bool_or(large_package));

CREATE FUNCTION oracle.is_diabetes(code text) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS $$ SELECT coalesce(code ~ '^E1[0-4]', false) $$;
CREATE TABLE oracle.ald AS
    SELECT patient, imb_ald_dtd AS day_from, imb_ald_dtf AS day_to FROM ir_imb_r
    WHERE imb_etm_nat IN (41, 43, 45) AND oracle.is_diabetes(med_mtf_cod) AND imb_ald_dtd IS NOT NULL
        AND (imb_ald_dtf IS NULL OR imb_ald_dtf >= imb_ald_dtd);

CREATE TABLE oracle.good_stay AS
    SELECT b.mco_stay, b.patient, year(b.event_end) AS year, b.dgn_pal, b.dgn_rel FROM t_mcoaab b
    WHERE b.valid AND b.patient IS NOT NULL AND b.event_date IS NOT NULL AND b.event_end >= b.event_date;
CREATE TABLE oracle.mention AS -- diabetes anywhere in a stay
    SELECT mco_stay FROM oracle.good_stay WHERE oracle.is_diabetes(dgn_pal) OR oracle.is_diabetes(dgn_rel)
    UNION SELECT mco_stay FROM t_mcoaaum WHERE oracle.is_diabetes(dgn_pal) OR oracle.is_diabetes(dgn_rel)
    UNION SELECT mco_stay FROM t_mcoaad WHERE oracle.is_diabetes(ass_dgn);
CREATE FUNCTION oracle.is_complication(code text) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS $$ SELECT coalesce(code ~ '^(G590|G632|G730|G990|H280|H360|I792|L97|M142|M146|N083)', false) $$;
CREATE TABLE oracle.hospital AS
    SELECT patient, year FROM oracle.good_stay s
    WHERE oracle.is_diabetes(dgn_pal) OR oracle.is_diabetes(dgn_rel)
        OR ((oracle.is_complication(dgn_pal) OR oracle.is_complication(dgn_rel))
            AND EXISTS (SELECT 1 FROM oracle.mention m WHERE m.mco_stay = s.mco_stay));

-- People of the identity tables in whom one of the four holds, dead before the year or not.
CREATE TABLE oracle.diabetes AS
    SELECT y.year, p.* FROM person p CROSS JOIN oracle.year y
    WHERE p.resolved AND (
        EXISTS (SELECT 1 FROM oracle.treated t WHERE t.patient = p.patient AND t.year BETWEEN y.year - 1 AND y.year)
        OR EXISTS (SELECT 1 FROM oracle.ald a WHERE a.patient = p.patient
            AND a.day_from <= make_date(y.year, 12, 31) AND (a.day_to IS NULL OR a.day_to >= make_date(y.year, 1, 1)))
        OR EXISTS (SELECT 1 FROM oracle.hospital h WHERE h.patient = p.patient AND h.year BETWEEN y.year - 1 AND y.year));
-- The population of the prevalences: those who are born and did not die before the year.
CREATE TABLE oracle.population AS
    SELECT y.year, p.* FROM person p CROSS JOIN oracle.year y
    WHERE p.resolved AND p.birth_year <= y.year AND (p.death_date IS NULL OR p.death_date >= make_date(y.year, 1, 1));
