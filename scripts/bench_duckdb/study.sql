-- The diabetes study (jobs/diabetes.json) over the Parquet: CNAM's rule for every year, people of the identity
-- tables, the population alive in the year; its four cohorts patient by patient as files in {cohorts}, the two
-- flowcharts and the same tables but for their intervals.
CREATE OR REPLACE TEMP MACRO is_diabetes(code) AS code >= 'E10' AND code < 'E15';
CREATE OR REPLACE TEMP MACRO is_complication(code) AS
    regexp_matches(code, '^(G590|G632|G730|G990|H280|H360|I792|L97|M142|M146|N083)');
CREATE OR REPLACE TEMP TABLE treated AS
    SELECT patient, year(event_date) AS y FROM (
        SELECT patient, event_date, large_package FROM ER_PHA_F
        WHERE valid AND patient IS NOT NULL AND event_date IS NOT NULL AND atc LIKE 'A10%' AND atc NOT LIKE 'A10BX06%'
        GROUP BY patient, event_date, atc, PHA_PRS_C13, large_package, PFS_PRE_NUM HAVING sum(PHA_ACT_QSN) > 0)
    GROUP BY ALL
    HAVING count(DISTINCT event_date) >= 3 OR (count(DISTINCT event_date) >= 2 AND bool_or(large_package));
CREATE OR REPLACE TEMP TABLE ald AS
    SELECT patient, event_date, event_end FROM IR_IMB_R
    WHERE IMB_ETM_NAT IN (41, 43, 45) AND is_diabetes(MED_MTF_COD) AND event_date IS NOT NULL
        AND COALESCE(event_end >= event_date, TRUE);
CREATE OR REPLACE TEMP TABLE hospital AS
    WITH stay AS (
        SELECT patient, year(event_end) AS y, ETA_NUM, RSA_NUM, file_year, DGN_PAL, DGN_REL FROM T_MCOaaB
        WHERE valid AND patient IS NOT NULL AND event_date IS NOT NULL AND event_end >= event_date),
    mention AS (
        SELECT ETA_NUM, RSA_NUM, file_year FROM T_MCOaaB WHERE is_diabetes(DGN_PAL) OR is_diabetes(DGN_REL)
        UNION SELECT ETA_NUM, RSA_NUM, file_year FROM T_MCOaaUM WHERE is_diabetes(DGN_PAL) OR is_diabetes(DGN_REL)
        UNION SELECT ETA_NUM, RSA_NUM, file_year FROM T_MCOaaD WHERE is_diabetes(ASS_DGN))
    SELECT patient, y FROM stay WHERE is_diabetes(DGN_PAL) OR is_diabetes(DGN_REL)
    UNION SELECT patient, y FROM stay SEMI JOIN mention USING (ETA_NUM, RSA_NUM, file_year)
        WHERE is_complication(DGN_PAL) OR is_complication(DGN_REL);
CREATE OR REPLACE TEMP TABLE study_year AS SELECT unnest(range({first_year}, {last_year} + 1)) AS y;
CREATE OR REPLACE TEMP TABLE cases AS
    SELECT patient, y FROM treated UNION SELECT patient, y + 1 FROM treated
    UNION SELECT patient, y FROM hospital UNION SELECT patient, y + 1 FROM hospital
    UNION SELECT patient, y FROM ald, study_year
        WHERE event_date <= make_date(y, 12, 31) AND COALESCE(event_end >= make_date(y, 1, 1), TRUE);
CREATE OR REPLACE TEMP TABLE people AS
    SELECT y, person_key, sex, y - birth_year AS age, BEN_RES_DPT, c.patient IS NOT NULL AS is_case, birth_year <= y AS is_born,
        birth_year <= y AND (death_date IS NULL OR death_date >= make_date(y, 1, 1)) AS is_alive
    FROM PERSON CROSS JOIN study_year LEFT JOIN cases c USING (patient, y) WHERE resolved;
COPY (SELECT person_key AS patient, make_date(y, 1, 1) AS start_date, make_date(y, 12, 31) AS end_date FROM people
    WHERE is_alive) TO '{cohorts}/population_years.parquet' (FORMAT parquet);
COPY (SELECT person_key AS patient, make_date(y, 1, 1) AS start_date, make_date(y, 12, 31) AS end_date FROM people
    WHERE is_alive AND y = {year}) TO '{cohorts}/population.parquet' (FORMAT parquet);
COPY (SELECT person_key AS patient, make_date(y, 1, 1) AS start_date, make_date(y, 12, 31) AS end_date FROM people
    WHERE is_case) TO '{cohorts}/diabetes_years.parquet' (FORMAT parquet);
COPY (SELECT person_key AS patient, make_date(y, 1, 1) AS start_date, make_date(y, 12, 31) AS end_date FROM people
    WHERE is_case AND y = {year}) TO '{cohorts}/diabetes.parquet' (FORMAT parquet);
SELECT statistic, a, b, cases, cases_alive, alive FROM (
    SELECT 'year' AS statistic, y::VARCHAR AS a, '' AS b, count(*) FILTER (is_case) AS cases,
        count(*) FILTER (is_case AND is_alive) AS cases_alive, count(*) FILTER (is_alive) AS alive
        FROM people GROUP BY ALL
    UNION ALL SELECT 'age_sex', sex, band(age, 5), count(*) FILTER (is_case), count(*) FILTER (is_case AND is_alive),
        count(*) FILTER (is_alive) FROM people WHERE y = {year} AND (is_alive OR is_case) GROUP BY ALL
    UNION ALL SELECT 'departement', BEN_RES_DPT, '', count(*) FILTER (is_case), count(*) FILTER (is_case AND is_alive),
        count(*) FILTER (is_alive) FROM people WHERE y = {year} GROUP BY ALL
    UNION ALL SELECT 'flow', 'known', '', count(*), count(*) FILTER (is_born), count(*) FILTER (is_alive)
        FROM people WHERE y = {year})
ORDER BY ALL;
