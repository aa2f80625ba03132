-- Five of the 72 cohorts of jobs/cartographie over the Parquet, one statement a cohort: how many people of the year's population.
CREATE OR REPLACE TEMP TABLE coronaire_chronique AS
    WITH main AS (
        SELECT patient, year(event_end) AS y, DGN_PAL AS code, 'DP' AS position FROM T_MCOaaB WHERE valid AND event_end >= event_date
        UNION ALL SELECT patient, year(event_end), DGN_REL, 'DR' FROM T_MCOaaB WHERE valid AND event_end >= event_date
        UNION ALL SELECT patient, year(event_end), DGN_PAL, 'DP' FROM T_MCOaaUM WHERE valid AND event_end >= event_date)
    SELECT count(*) AS people FROM PERSON p
    WHERE resolved AND birth_year <= {year} AND COALESCE(death_date >= make_date({year}, 1, 1), TRUE)
        AND (patient IN (SELECT patient FROM IR_IMB_R WHERE IMB_ETM_NAT IN (41, 43, 45) AND MED_MTF_COD >= 'I20' AND MED_MTF_COD < 'I26'
                AND event_date <= make_date({year}, 12, 31) AND COALESCE(event_end >= make_date({year}, 1, 1), TRUE)
                AND COALESCE(event_end >= event_date, TRUE))
            OR patient IN (SELECT patient FROM main WHERE code >= 'I20' AND code < 'I26' AND y BETWEEN {year} - 4 AND {year} AND patient IS NOT NULL)
            OR patient IN (SELECT patient FROM T_MCOaaD WHERE valid AND event_end >= event_date AND year(event_end) = {year}
                AND ASS_DGN >= 'I20' AND ASS_DGN < 'I26' AND patient IS NOT NULL))
        AND patient NOT IN (SELECT patient FROM main WHERE position = 'DP' AND y = {year} AND patient IS NOT NULL
            AND (code LIKE 'I200%' OR (code >= 'I21' AND code < 'I25')));
CREATE OR REPLACE TEMP TABLE cancer_colorectal_actif AS
    WITH stay AS (
        SELECT patient, year(event_end) AS y, ETA_NUM, RSA_NUM, file_year, DGN_PAL, DGN_REL,
            regexp_matches(DGN_PAL, '^(C18|C19|C20|D010|D011|D012)') OR COALESCE(regexp_matches(DGN_REL, '^(C18|C19|C20|D010|D011|D012)'), FALSE) AS is_cancer,
            DGN_PAL LIKE 'Z08%' OR COALESCE(DGN_REL LIKE 'Z08%', FALSE) AS is_check,
            regexp_matches(DGN_PAL, '^Z51[01]') OR COALESCE(regexp_matches(DGN_REL, '^Z51[01]'), FALSE) AS is_session
        FROM T_MCOaaB WHERE valid AND event_end >= event_date AND patient IS NOT NULL AND year(event_end) BETWEEN {year} - 1 AND {year}),
    session AS (
        SELECT patient FROM stay WHERE is_session
        UNION SELECT patient FROM T_MCOaaD WHERE valid AND event_end >= event_date AND patient IS NOT NULL
            AND year(event_end) BETWEEN {year} - 1 AND {year} AND regexp_matches(ASS_DGN, '^Z51[01]'))
    SELECT count(*) AS people FROM PERSON p
    WHERE resolved AND birth_year <= {year} AND COALESCE(death_date >= make_date({year}, 1, 1), TRUE)
        AND (patient IN (SELECT patient FROM IR_IMB_R WHERE IMB_ETM_NAT IN (41, 43, 45) AND regexp_matches(MED_MTF_COD, '^(C18|C19|C20|D010|D011|D012)')
                AND year(event_date) BETWEEN {year} - 1 AND {year} AND COALESCE(event_end >= event_date, TRUE))
            OR patient IN (SELECT patient FROM stay WHERE is_cancer AND NOT is_check)
            OR (patient IN (SELECT patient FROM stay WHERE is_cancer) AND patient IN (SELECT patient FROM session)));
CREATE OR REPLACE TEMP TABLE respiratoire AS
    WITH mention AS (
        SELECT patient, year(event_end) AS y, DGN_PAL AS code, TRUE AS is_main FROM T_MCOaaB WHERE valid AND event_end >= event_date
        UNION ALL SELECT patient, year(event_end), DGN_REL, TRUE FROM T_MCOaaB WHERE valid AND event_end >= event_date
        UNION ALL SELECT patient, year(event_end), DGN_PAL, FALSE FROM T_MCOaaUM WHERE valid AND event_end >= event_date
        UNION ALL SELECT patient, year(event_end), DGN_REL, FALSE FROM T_MCOaaUM WHERE valid AND event_end >= event_date
        UNION ALL SELECT patient, year(event_end), ASS_DGN, FALSE FROM T_MCOaaD WHERE valid AND event_end >= event_date),
    ald AS (
        SELECT patient, MED_MTF_COD AS code FROM IR_IMB_R WHERE IMB_ETM_NAT IN (41, 43, 45) AND event_date <= make_date({year}, 12, 31)
            AND COALESCE(event_end >= make_date({year}, 1, 1), TRUE) AND COALESCE(event_end >= event_date, TRUE)),
    treated AS (
        SELECT patient FROM (SELECT patient, event_date FROM ER_PHA_F WHERE valid AND patient IS NOT NULL AND year(event_date) = {year} AND atc LIKE 'R03%'
            GROUP BY patient, event_date, atc, PHA_PRS_C13, large_package, PFS_PRE_NUM HAVING sum(PHA_ACT_QSN) > 0)
        GROUP BY patient HAVING count(DISTINCT event_date) >= 3)
    SELECT count(*) AS people FROM PERSON p
    WHERE resolved AND birth_year <= {year} AND COALESCE(death_date >= make_date({year}, 1, 1), TRUE)
        AND (patient IN (SELECT patient FROM ald WHERE regexp_matches(code, '^J(4[0-7]|96|98)'))
            OR patient IN (SELECT patient FROM mention WHERE patient IS NOT NULL AND regexp_matches(code, '^J(4[0-7]|96|98)')
                AND (y = {year} OR (is_main AND y BETWEEN {year} - 4 AND {year})))
            OR patient IN (SELECT patient FROM treated))
        AND patient NOT IN (SELECT patient FROM ald WHERE code LIKE 'E84%'
            UNION SELECT patient FROM mention WHERE patient IS NOT NULL AND code LIKE 'E84%' AND (y = {year} OR (is_main AND y BETWEEN {year} - 4 AND {year})));
CREATE OR REPLACE TEMP TABLE dialyse_chronique AS
    WITH line AS (
        SELECT patient, event_date, PRS_NAT_REF AS nature FROM ER_PRS_F WHERE valid AND patient IS NOT NULL
            AND PRS_NAT_REF IN (2121, 2122, 2126, 2127, 2128, 2129, 2131, 2132, 2134, 2135, 2136, 2137, 2138, 2334)
            AND year(event_date) BETWEEN {year} - 1 AND {year}
        GROUP BY patient, event_date, PRS_NAT_REF, RGO_ASU_NAT, PSE_SPE_COD, PFS_EXE_NUM HAVING sum(PRS_ACT_QTE) > 0),
    act AS (
        SELECT c.patient, c.event_date, CAM_PRS_IDE AS code FROM ER_CAM_F c JOIN ER_PRS_F p USING (FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_TYP, FLX_EMT_NUM,
                FLX_EMT_ORD, ORG_CLE_NUM, DCT_ORD_NUM, PRS_ORD_NUM, REM_TYP_AFF)
        WHERE c.valid AND c.patient IS NOT NULL AND regexp_matches(CAM_PRS_IDE, '^(JVJF00[48]|JVJB001|JAEA003|HNEA002)')
        GROUP BY c.patient, c.event_date, CAM_PRS_IDE, PFS_EXE_NUM HAVING sum(PRS_ACT_QTE) > 0
        UNION ALL SELECT patient, event_date + COALESCE(ENT_DAT_DEL, 0)::INTEGER, CDC_ACT FROM T_MCOaaA
            WHERE valid AND patient IS NOT NULL AND regexp_matches(CDC_ACT, '^(JVJF00[48]|JVJB001|JAEA003|HNEA002)')),
    stay AS (SELECT patient, event_date, year(event_end) AS y, GRG_GHM FROM T_MCOaaB WHERE valid AND patient IS NOT NULL AND event_end >= event_date),
    care AS (
        SELECT patient, year(event_date) AS y, event_date, nature NOT IN (2127, 2128, 2137, 2138) AS is_blood FROM line
        UNION ALL SELECT patient, year(event_date), event_date, code LIKE 'JVJF%' FROM act WHERE code LIKE 'JVJ%'
        UNION ALL SELECT patient, year(event_date), event_date, GRG_GHM LIKE '28Z04Z%' FROM stay WHERE regexp_matches(GRG_GHM, '^28Z0[456]Z')),
    years AS (
        SELECT patient, y, count(DISTINCT event_date) FILTER (is_blood) AS blood, count(DISTINCT event_date) FILTER (NOT is_blood) AS peritoneal
        FROM care WHERE y BETWEEN {year} - 1 AND {year} GROUP BY ALL),
    grafted AS (SELECT patient, y FROM stay WHERE GRG_GHM LIKE '27C06%' UNION SELECT patient, year(event_date) FROM act WHERE code NOT LIKE 'JVJ%'),
    antirejection AS (
        SELECT patient FROM (SELECT patient, event_date FROM ER_PHA_F WHERE valid AND patient IS NOT NULL AND year(event_date) = {year}
                AND regexp_matches(atc, '^(L04AA06|L04AD01|L04AD02|L04AA10|L04AH01|L04AA18|L04AH02|L04AA28|L04AX01|L04AA04|L04AA03)')
            GROUP BY patient, event_date, atc, PHA_PRS_C13, large_package, PFS_PRE_NUM HAVING sum(PHA_ACT_QSN) > 0)
        GROUP BY patient HAVING count(DISTINCT event_date) >= 3),
    followed AS (
        SELECT patient FROM stay WHERE GRG_GHM LIKE '11M17%' AND y BETWEEN {year} - 4 AND {year}
        UNION SELECT patient FROM T_MCOaaB WHERE valid AND event_end >= event_date AND (DGN_PAL LIKE 'Z940%' OR DGN_REL LIKE 'Z940%')
            AND year(event_end) BETWEEN {year} - 4 AND {year}
        UNION SELECT patient FROM T_MCOaaD WHERE valid AND event_end >= event_date AND ASS_DGN LIKE 'Z940%' AND year(event_end) BETWEEN {year} - 4 AND {year}
        UNION SELECT patient FROM grafted WHERE y BETWEEN {year} - 4 AND {year} - 1
        UNION SELECT patient FROM IR_IMB_R WHERE IMB_ETM_NAT IN (41, 43, 45) AND MED_MTF_COD LIKE 'N18%' AND event_date <= make_date({year}, 12, 31)
            AND COALESCE(event_end >= make_date({year}, 1, 1), TRUE) AND COALESCE(event_end >= event_date, TRUE))
    SELECT count(*) AS people FROM PERSON p
        LEFT JOIN (SELECT * FROM years WHERE y = {year}) n USING (patient) LEFT JOIN (SELECT * FROM years WHERE y = {year} - 1) b USING (patient)
    WHERE resolved AND birth_year <= {year} AND COALESCE(death_date >= make_date({year}, 1, 1), TRUE)
        AND (n.blood >= 45 OR n.peritoneal >= 1 OR (n.blood >= 1 AND (b.blood >= 45 OR b.peritoneal >= 1)))
        AND patient NOT IN (SELECT patient FROM grafted WHERE y = {year})
        AND NOT (patient IN (SELECT patient FROM antirejection) AND patient IN (SELECT patient FROM followed WHERE patient IS NOT NULL));
CREATE OR REPLACE TEMP TABLE maternite AS
    SELECT count(*) AS people FROM PERSON p
    WHERE resolved AND birth_year <= {year} AND COALESCE(death_date >= make_date({year}, 1, 1), TRUE)
        AND sex = 'F' AND {year} - birth_year BETWEEN 15 AND 49
        AND (patient IN (SELECT patient FROM ER_PRS_F WHERE valid AND patient IS NOT NULL AND RGO_ASU_NAT = 30 AND year(event_date) = {year}
                GROUP BY patient, event_date, PRS_NAT_REF, RGO_ASU_NAT, PSE_SPE_COD, PFS_EXE_NUM HAVING sum(PRS_ACT_QTE) > 0)
            OR patient IN (SELECT patient FROM T_MCOaaB WHERE valid AND patient IS NOT NULL AND event_end >= event_date AND year(event_end) = {year}
                AND regexp_matches(GRG_GHM, '^14(C03|C06|C07|C08|Z09|Z10|Z11|Z12|Z13|Z14|C02|Z02)')));
SELECT 'coronaire_chronique' AS cohort, people FROM coronaire_chronique UNION ALL SELECT 'cancer_colorectal_actif', people FROM cancer_colorectal_actif
UNION ALL SELECT 'respiratoire', people FROM respiratoire UNION ALL SELECT 'dialyse_chronique', people FROM dialyse_chronique
UNION ALL SELECT 'maternite', people FROM maternite;
