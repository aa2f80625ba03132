-- Patients and derived columns, from the rules of docs/patients.md and of the published filters
-- (D1 to D7, M1 to M8), written without a look at the engine. In: raw.*. Out: tables with the names
-- and columns that Parcours shows.

-- ---- rows that a keyed table holds twice, equal in all columns: the first in the files stays ----
CREATE TABLE oracle.rejected (table_name text, src_file int, src_line bigint, reason text);
CREATE FUNCTION oracle.drop_duplicates(table_name text, key text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(quote_ident(column_name), ', ') INTO columns FROM information_schema.columns c
        WHERE c.table_schema = 'raw' AND c.table_name = lower($1)
          AND column_name NOT IN ('src_file', 'src_line');
    EXECUTE format('CREATE TEMP TABLE double ON COMMIT DROP AS
        SELECT r.ctid AS place, src_file, src_line, row_number() OVER
            (PARTITION BY ROW(%s)::text ORDER BY src_file, src_line) AS n
        FROM raw.%I r WHERE (%s) IN (SELECT %s FROM raw.%I GROUP BY %s HAVING count(*) > 1)',
        columns, lower($1), key, key, lower($1), key);
    EXECUTE format('DELETE FROM raw.%I r USING double WHERE r.ctid = place AND n > 1', lower($1));
    INSERT INTO oracle.rejected SELECT $1, src_file, src_line, 'duplicate' FROM double WHERE n > 1;
    DROP TABLE double;
END $$;
SELECT oracle.drop_duplicates(name, key) FROM (VALUES
    ('IR_BEN_R', 'ben_nir_psa, ben_rng_gem'), ('IR_BEN_R_ARC', 'ben_nir_psa, ben_rng_gem'),
    ('ER_PRS_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_PHA_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_CAM_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_BIO_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_ETE_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('T_MCOaaC', 'eta_num, rsa_num, file_year'), ('T_MCOaaB', 'eta_num, rsa_num, file_year'),
    ('KI_CCI_R', 'dcd_idt_enc'), ('IR_PHA_R', 'pha_cip_c13')) AS keyed (name, key);

-- Rows of one key with other content all stay; the first in the order of the store counts: by day, then by the
-- columns in the model's order, nulls last. Makes oracle.<out>: the first row of each key with the columns `shown`.
CREATE FUNCTION oracle.first_of(model_table text, source text, key text, shown text, out_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg('s.' || quote_ident(column_name), ', ' ORDER BY ordinal_position) INTO columns
    FROM information_schema.columns WHERE table_schema = 'raw' AND table_name = model_table
        AND column_name NOT IN ('src_file', 'src_line');
    EXECUTE format('CREATE UNLOGGED TABLE oracle.%I AS SELECT DISTINCT ON (%s) %s FROM %s s ORDER BY %s, event_date, %s',
        out_name, key, shown, source, key, columns);
END $$;

-- ---- who is who ----
-- Every row of the two identity tables; precedence 1 is the living table.
CREATE UNLOGGED TABLE oracle.identity AS
    SELECT 1 AS precedence, * FROM raw.ir_ben_r UNION ALL SELECT 2, * FROM raw.ir_ben_r_arc;
ALTER TABLE oracle.identity DROP COLUMN src_file, DROP COLUMN src_line;
CREATE FUNCTION oracle.unresolved(psa text, rank int) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT psa || '/' || coalesce(rank::text, '') $$;
-- A pair (pseudonym, rank) is one person: IR_BEN_R before the archive, then the newest row.
CREATE UNLOGGED TABLE oracle.pair AS
    SELECT DISTINCT ON (ben_nir_psa, ben_rng_gem) ben_nir_psa AS psa, ben_rng_gem AS rank, ben_idt_ano AS person
    FROM oracle.identity WHERE ben_nir_psa IS NOT NULL AND ben_idt_ano IS NOT NULL
    ORDER BY ben_nir_psa, ben_rng_gem, precedence, max_trt_dtd DESC NULLS LAST, ben_dte_maj DESC NULLS LAST,
        ben_idt_ano;
CREATE INDEX ON oracle.pair (psa, rank);
-- A pseudonym alone: one person, or several.
CREATE UNLOGGED TABLE oracle.pseudonym AS
    SELECT psa, min(person) AS person, count(DISTINCT person) AS persons FROM oracle.pair GROUP BY psa;
ANALYZE oracle.pair; ANALYZE oracle.pseudonym;

-- ---- claims ----
CREATE UNLOGGED TABLE er_prs_f AS
WITH placed AS (
    SELECT row_number() OVER (ORDER BY r.exe_soi_dtd, r.src_file, r.src_line) AS claim, r.*, p.person,
        r.ben_nir_psa IS NULL OR coalesce(r.rgm_cod = 888, false)
            OR coalesce(r.ben_cdi_nir IN ('01', '05', '06', '08', '09', '11', '12', '13', '14', '15'), false) AS is_dummy
    FROM raw.er_prs_f r LEFT JOIN oracle.pair p
        ON p.psa = r.ben_nir_psa AND p.rank IS NOT DISTINCT FROM r.ben_rng_gem)
SELECT r.*, r.exe_soi_dtd AS event_date, r.exe_soi_dtf AS event_end,
    CASE WHEN is_dummy THEN NULL WHEN person IS NOT NULL THEN person
         ELSE oracle.unresolved(ben_nir_psa, ben_rng_gem) END AS patient,
    CASE WHEN is_dummy THEN 'dummy' WHEN person IS NOT NULL THEN 'resolved' ELSE 'unresolved' END AS patient_status
FROM placed r;

SELECT oracle.first_of('er_prs_f', 'public.er_prs_f', k.key, k.key || ', claim, patient, patient_status, event_date, event_end', 'claim')
FROM (SELECT 'flx_dis_dtd, flx_trt_dtd, flx_emt_typ, flx_emt_num, flx_emt_ord, org_cle_num, dct_ord_num, prs_ord_num,
    rem_typ_aff' AS key) k;
ANALYZE oracle.claim; ANALYZE er_prs_f;

-- A detail row belongs to the patient of its claim and has its days; without a claim it is an orphan.
CREATE FUNCTION oracle.make_claim_child(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE UNLOGGED TABLE oracle.%I AS
        SELECT r.*, c.claim, c.patient, coalesce(c.patient_status, ''orphan'') AS patient_status,
            c.event_date, c.event_end
        FROM raw.%I r LEFT JOIN oracle.claim c USING (flx_dis_dtd, flx_trt_dtd, flx_emt_typ, flx_emt_num,
            flx_emt_ord, org_cle_num, dct_ord_num, prs_ord_num, rem_typ_aff)', name, name);
END $$;
SELECT oracle.make_claim_child(name)
    FROM (VALUES ('er_ete_f'), ('er_pha_f'), ('er_cam_f'), ('er_bio_f')) AS child (name);

-- Of several rows of an establishment the first speaks for its claim.
SELECT oracle.first_of('er_ete_f', 'oracle.er_ete_f', 'claim', 'claim, ete_ind_taa', 'establishment');

-- ---- D rules: a claim is kept unless a value that is present says otherwise ----
ALTER TABLE er_prs_f DROP COLUMN person, DROP COLUMN is_dummy;
ALTER TABLE er_prs_f RENAME TO prs_before;
CREATE UNLOGGED TABLE er_prs_f AS
WITH ruled AS (
    SELECT p.*,
        p.dpn_qlf IS NULL OR p.dpn_qlf NOT IN (71, 72) AS rule_d1,
        p.prs_dpn_qlp IS NULL OR p.prs_dpn_qlp NOT IN (71, 72) AS rule_d2,
        e.ete_ind_taa IS NULL OR e.ete_ind_taa <> 1 AS rule_d3,
        p.cpl_maj_top IS NULL OR p.cpl_maj_top < 2 AS rule_d4,
        p.bse_prs_nat IS NULL OR p.bse_prs_nat <> 0 AS rule_d7,
        p.dpn_qlf = 0 AND p.prs_dpn_qlp = 71 AND p.cpl_aff_cod = 16 AS is_flat_charge
    FROM prs_before p LEFT JOIN oracle.establishment e USING (claim))
SELECT r.*, rule_d1 AND rule_d2 AND rule_d3 AND rule_d4 AND rule_d7 AS valid,
    rule_d1 AND (rule_d2 OR is_flat_charge IS TRUE) AND rule_d3 AND rule_d7 AS valid_cost
FROM ruled r;
ALTER TABLE er_prs_f DROP COLUMN is_flat_charge;
DROP TABLE prs_before;
CREATE UNIQUE INDEX ON er_prs_f (claim);
ANALYZE er_prs_f;

CREATE UNLOGGED TABLE er_ete_f AS SELECT r.*, c.valid, c.valid_cost
    FROM oracle.er_ete_f r LEFT JOIN er_prs_f c USING (claim);
CREATE UNLOGGED TABLE er_cam_f AS SELECT r.*, c.valid, c.valid_cost
    FROM oracle.er_cam_f r LEFT JOIN er_prs_f c USING (claim);
CREATE UNLOGGED TABLE er_bio_f AS SELECT r.*, c.valid, c.valid_cost
    FROM oracle.er_bio_f r LEFT JOIN er_prs_f c USING (claim);
-- The drug of a line: its CIP13 in the referential of packages; a line whose CIP13 is not there, its CIP7.
CREATE UNLOGGED TABLE oracle.package AS
    SELECT DISTINCT ON (pha_cip_c13) pha_cip_c13, pha_atc_cla, pha_atc_c07, pha_grd_cnd, pha_cnd_top
    FROM raw.ir_pha_r WHERE pha_cip_c13 IS NOT NULL ORDER BY pha_cip_c13;
CREATE UNLOGGED TABLE oracle.package7 AS
    SELECT DISTINCT ON (pha_prs_ide) pha_prs_ide, pha_atc_cla, pha_atc_c07, pha_grd_cnd, pha_cnd_top
    FROM raw.ir_pha_r WHERE pha_prs_ide IS NOT NULL ORDER BY pha_prs_ide, pha_cip_c13;
CREATE UNLOGGED TABLE er_pha_f AS
    SELECT r.*, c.valid, c.valid_cost, d.atc, coalesce(d.grd = 'GC', false) OR coalesce(d.top = 'GC', false) AS large_package
    FROM oracle.er_pha_f r LEFT JOIN er_prs_f c USING (claim)
        LEFT JOIN oracle.package p ON p.pha_cip_c13 = r.pha_prs_c13
        LEFT JOIN oracle.package7 q ON p.pha_cip_c13 IS NULL AND q.pha_prs_ide = r.pha_prs_ide
        CROSS JOIN LATERAL (SELECT CASE WHEN p.pha_cip_c13 IS NULL THEN coalesce(q.pha_atc_cla, q.pha_atc_c07)
                                        ELSE coalesce(p.pha_atc_cla, p.pha_atc_c07) END AS atc,
                                   CASE WHEN p.pha_cip_c13 IS NULL THEN q.pha_grd_cnd ELSE p.pha_grd_cnd END AS grd,
                                   CASE WHEN p.pha_cip_c13 IS NULL THEN q.pha_cnd_top ELSE p.pha_cnd_top END AS top) d;

-- ---- hospital stays ----
CREATE UNLOGGED TABLE oracle.stay AS
SELECT row_number() OVER (ORDER BY r.file_year, r.src_file, r.src_line) AS mco_stay, r.*,
    r.exe_soi_dtd AS event_date, r.exe_soi_dtf AS event_end,
    CASE WHEN is_dummy THEN NULL WHEN r.rng_nai IS NOT NULL THEN coalesce(p.person, oracle.unresolved(nir_ano_17, rng_nai))
         WHEN a.persons > 1 THEN NULL
         ELSE coalesce(a.person, oracle.unresolved(nir_ano_17, NULL)) END AS patient,
    CASE WHEN is_dummy THEN 'dummy'
         WHEN r.rng_nai IS NOT NULL THEN CASE WHEN p.person IS NULL THEN 'unresolved' ELSE 'resolved' END
         WHEN a.persons > 1 THEN 'ambiguous' WHEN a.persons = 1 THEN 'resolved' ELSE 'unresolved' END AS patient_status
FROM (SELECT c.*, nir_ano_17 IS NULL OR nir_ano_17 IN ('xxxxxxxxxxxxxxxxx', 'XXXXXXXXXXXXXXXXD', 'XXXXXXXXXXXXXXXXS',
          'XXXXXXXXXXXXXXXXE', 'BXXXXXXXXXXXXXXXX') AS is_dummy FROM raw.t_mcoaac c) r
    LEFT JOIN oracle.pair p ON p.psa = r.nir_ano_17 AND p.rank = r.rng_nai
    LEFT JOIN oracle.pseudonym a ON a.psa = r.nir_ano_17;
SELECT oracle.first_of('t_mcoaac', 'oracle.stay', 'eta_num, rsa_num, file_year',
    'eta_num, rsa_num, file_year, mco_stay, patient, patient_status, event_date, event_end', 'stay_key');
ANALYZE oracle.stay; ANALYZE oracle.stay_key;
CREATE FUNCTION oracle.make_stay_child(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE UNLOGGED TABLE oracle.%I AS
        SELECT r.*, c.mco_stay, c.patient, coalesce(c.patient_status, ''orphan'') AS patient_status,
            c.event_date, c.event_end
        FROM raw.%I r LEFT JOIN oracle.stay_key c USING (eta_num, rsa_num, file_year)', name, name);
END $$;
SELECT oracle.make_stay_child(name)
    FROM (VALUES ('t_mcoaab'), ('t_mcoaad'), ('t_mcoaaum'), ('t_mcoaaa')) AS child (name);

-- ---- M rules ----
-- Hospitals whose stays are sent a second time under their legal number, with the years.
CREATE TABLE oracle.sent_twice (finess text, year_from int, year_to int);
INSERT INTO oracle.sent_twice VALUES
    ('130780521', 2005, 2017), ('130783236', 2005, 2017), ('130783293', 2005, 2017), ('130784234', 2005, 2017),
    ('130804297', 2005, 2017), ('690783154', 2011, 2017), ('690784137', 2011, 2017), ('690784152', 2011, 2017),
    ('690784178', 2011, 2017), ('690787478', 2011, 2014), ('830100558', 2011, 2017), ('600100101', 2005, 2017),
    ('750041543', 2005, 2017), ('750100018', 2005, 2017), ('750100042', 2005, 2017), ('750100075', 2005, 2017),
    ('750100083', 2005, 2017), ('750100091', 2005, 2017), ('750100109', 2005, 2017), ('750100125', 2005, 2017),
    ('750100166', 2005, 2017), ('750100208', 2005, 2017), ('750100216', 2005, 2017), ('750100232', 2005, 2017),
    ('750100273', 2005, 2017), ('750100299', 2005, 2017), ('750801441', 2005, 2017), ('750803447', 2005, 2017),
    ('750803454', 2005, 2017), ('910100015', 2005, 2017), ('910100023', 2005, 2017), ('920100013', 2005, 2017),
    ('920100021', 2005, 2017), ('920100039', 2005, 2017), ('920100047', 2005, 2017), ('920100054', 2005, 2017),
    ('920100062', 2005, 2017), ('930100011', 2005, 2017), ('930100037', 2005, 2017), ('930100045', 2005, 2017),
    ('940100019', 2005, 2005), ('940100027', 2005, 2017), ('940100035', 2005, 2017), ('940100043', 2005, 2017),
    ('940100050', 2005, 2017), ('940100068', 2005, 2017), ('950100016', 2005, 2016);
CREATE UNLOGGED TABLE oracle.ruled_b AS
SELECT b.*,
    NOT EXISTS (SELECT 1 FROM oracle.sent_twice s
        WHERE s.finess = b.eta_num AND b.file_year BETWEEN s.year_from AND s.year_to) AS rule_m1,
    grg_ghm IS NULL OR left(grg_ghm, 2) <> '90' AS rule_m2,
    sej_typ IS NULL OR sej_typ <> 'B' AS rule_m3,
    typ_gen_rsa IS NULL OR typ_gen_rsa = 0 AS rule_m5,
    grg_ghm IS NULL OR grg_ghm <> '14Z08Z' AS rule_m6,
    grg_ghm IS NOT NULL AND left(grg_ghm, 2) = '28' AS session
FROM oracle.t_mcoaab b;
SELECT oracle.first_of('t_mcoaab', 'oracle.ruled_b', 'mco_stay',
    'mco_stay, rule_m1 AND rule_m2 AND rule_m3 AND rule_m5 AS is_good', 'summary');
CREATE UNLOGGED TABLE t_mcoaac AS
WITH ruled AS (
    SELECT c.*,
        '0' = ALL (array_remove(ARRAY[nir_ret, nai_ret, sex_ret, sej_ret, fho_ret, pms_ret, dat_ret, coh_nai_ret,
            coh_sex_ret], NULL)) AS rule_m4,
        NOT coalesce(rsa_num ~ '^[A-Z]', false) AS rule_m8,
        b.is_good
    FROM oracle.stay c LEFT JOIN oracle.summary b USING (mco_stay))
SELECT r.*, rule_m4 AND coalesce(is_good, true) AS valid FROM ruled r;
ALTER TABLE t_mcoaac DROP COLUMN is_dummy, DROP COLUMN is_good;
CREATE UNIQUE INDEX ON t_mcoaac (mco_stay);
CREATE UNLOGGED TABLE t_mcoaab AS SELECT b.*, c.valid FROM oracle.ruled_b b LEFT JOIN t_mcoaac c USING (mco_stay);
CREATE UNLOGGED TABLE t_mcoaad AS SELECT d.*, c.valid FROM oracle.t_mcoaad d LEFT JOIN t_mcoaac c USING (mco_stay);
CREATE UNLOGGED TABLE t_mcoaaum AS SELECT u.*, c.valid FROM oracle.t_mcoaaum u LEFT JOIN t_mcoaac c USING (mco_stay);
CREATE UNLOGGED TABLE t_mcoaaa AS SELECT a.*, c.valid FROM oracle.t_mcoaaa a LEFT JOIN t_mcoaac c USING (mco_stay);

-- ---- the other tables of patients ----
-- An identity row belongs to the person that it names; without one, to its pair.
CREATE UNLOGGED TABLE ir_ben_r AS
    SELECT r.*, CAST(NULL AS date) AS event_date, CAST(NULL AS date) AS event_end,
        coalesce(ben_idt_ano, oracle.unresolved(ben_nir_psa, ben_rng_gem)) AS patient,
        CASE WHEN ben_idt_ano IS NOT NULL THEN 'resolved' WHEN ben_nir_psa IS NOT NULL THEN 'unresolved' ELSE 'dummy' END
            AS patient_status FROM raw.ir_ben_r r;
CREATE UNLOGGED TABLE ir_ben_r_arc AS
    SELECT r.*, CAST(NULL AS date) AS event_date, CAST(NULL AS date) AS event_end,
        coalesce(ben_idt_ano, oracle.unresolved(ben_nir_psa, ben_rng_gem)) AS patient,
        CASE WHEN ben_idt_ano IS NOT NULL THEN 'resolved' WHEN ben_nir_psa IS NOT NULL THEN 'unresolved' ELSE 'dummy' END
            AS patient_status FROM raw.ir_ben_r_arc r;
CREATE UNLOGGED TABLE ir_imb_r AS
    SELECT r.*, r.imb_ald_dtd AS event_date, r.imb_ald_dtf AS event_end,
        coalesce(p.person, oracle.unresolved(ben_nir_psa, ben_rng_gem)) AS patient,
        CASE WHEN p.person IS NOT NULL THEN 'resolved' WHEN ben_nir_psa IS NOT NULL THEN 'unresolved' ELSE 'dummy' END
            AS patient_status
    FROM raw.ir_imb_r r LEFT JOIN oracle.pair p
        ON p.psa = r.ben_nir_psa AND p.rank IS NOT DISTINCT FROM r.ben_rng_gem;
-- A certificate names its person only when it was matched (DCD_IDT_TOP = 1).
CREATE UNLOGGED TABLE ki_cci_r AS
    SELECT r.*, r.ben_dcd_dte AS event_date, r.ben_dcd_dte AS event_end,
        CASE WHEN dcd_idt_top = 1 THEN ben_idt_ano END AS patient,
        CASE WHEN dcd_idt_top IS DISTINCT FROM 1 OR ben_idt_ano IS NULL THEN 'dummy'
             WHEN k.person IS NULL THEN 'unresolved' ELSE 'resolved' END AS patient_status
    FROM raw.ki_cci_r r LEFT JOIN (SELECT DISTINCT ben_idt_ano AS person FROM oracle.identity) k
        ON k.person = r.ben_idt_ano;

\ir resolve_more.sql

-- Patients that no identity table knows, of any table.
CREATE TABLE oracle.seen (patient text);
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'patient_status' LOOP
        EXECUTE format('INSERT INTO oracle.seen SELECT DISTINCT patient FROM public.%I WHERE patient_status = ''unresolved''', name);
    END LOOP;
END $$;

-- ---- PERSON: the newest row speaks, the earliest death counts ----
CREATE UNLOGGED TABLE person AS
WITH named AS ( -- an identity row without a person tells of its pair
    SELECT coalesce(ben_idt_ano, oracle.unresolved(ben_nir_psa, ben_rng_gem)) AS patient,
        ben_idt_ano IS NOT NULL AS resolved, i.* FROM oracle.identity i),
newest AS (
    SELECT DISTINCT ON (patient) patient, resolved, ben_sex_cod, ben_nai_ann, ben_nai_moi, ben_res_dpt, ben_res_com
    FROM named n WHERE patient IS NOT NULL
    ORDER BY patient, max_trt_dtd DESC NULLS LAST, ben_dte_maj DESC NULLS LAST, n),
death AS (SELECT patient, min(ben_dcd_dte) AS death_date FROM named GROUP BY 1),
dated AS (
    SELECT n.*, death_date, CASE WHEN ben_nai_ann ~ '^[0-9]{1,9}$' AND ben_nai_ann::int BETWEEN 1850 AND 2200
        THEN ben_nai_ann::int END AS born
    FROM newest n JOIN death USING (patient)),
known AS (
    SELECT patient, CASE ben_sex_cod WHEN 1 THEN 'M' WHEN 2 THEN 'F' END AS sex,
        CASE WHEN ben_nai_moi BETWEEN 1 AND 12 THEN make_date(born, ben_nai_moi, 1) END AS birth_date,
        born AS birth_year, death_date, ben_res_dpt, ben_res_com, resolved
    FROM dated)
SELECT * FROM known
UNION ALL SELECT DISTINCT patient, NULL, CAST(NULL AS date), CAST(NULL AS int), CAST(NULL AS date), NULL, NULL, false FROM oracle.seen seen
    WHERE NOT EXISTS (SELECT 1 FROM known k WHERE k.patient = seen.patient);
CREATE UNIQUE INDEX ON person (patient);

-- Reference tables are shown as they are.
DO $$
DECLARE
    name text;
    columns text;
BEGIN
    FOR name, columns IN
        SELECT c.table_name, string_agg(quote_ident(c.column_name), ', ' ORDER BY c.ordinal_position)
        FROM information_schema.columns c
        WHERE c.table_schema = 'raw' AND c.column_name NOT IN ('src_file', 'src_line')
            AND NOT EXISTS (SELECT 1 FROM information_schema.tables p
                WHERE p.table_schema = 'public' AND p.table_name = c.table_name)
        GROUP BY c.table_name
    LOOP
        EXECUTE format('CREATE VIEW public.%I AS SELECT %s FROM raw.%I', name, columns, name);
    END LOOP;
END $$;
ANALYZE;

-- What subqueries look up for each row.
CREATE INDEX ON er_pha_f (patient, event_date);
CREATE INDEX ON er_pha_f (claim);
CREATE INDEX ON t_mcoaac (patient);
CREATE INDEX ON t_mcoaad (mco_stay);
CREATE INDEX ON ir_imb_r (patient);
