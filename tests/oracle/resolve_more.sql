-- The tables beyond the core, from the same rules as resolve.sql, which reads this file before it makes PERSON.

SELECT oracle.drop_duplicates(name, key) FROM (VALUES
    ('ER_UCD_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_TIP_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_DTR_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_TRS_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_ARO_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_INV_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_LOT_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_CPT_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num, prs_ord_num'),
    ('ER_DCT_F', 'flx_dis_dtd, flx_trt_dtd, flx_emt_num, org_cle_num, dct_ord_num'),
    ('IR_IBA_R', 'ben_idt_ano'), ('KI_ECD_R', 'dcd_idt_enc, cer_lig_num'), ('CT_IND_AAAA_GN', 'ben_idt_ano, file_year'),
    ('T_MCOaaIVG', 'eta_num, rsa_num, file_year'), ('T_MCOaaSTC', 'eta_num, rsa_num, file_year'),
    ('T_MCOaaVALO', 'eta_num, rsa_num, file_year'), ('T_MCOaaCSTC', 'eta_num, seq_num, file_year'),
    ('T_MCOaaFASTC', 'eta_num, seq_num, file_year'), ('T_MCOaaVALOACE', 'eta_num, seq_num, file_year'),
    ('T_SSRaaC', 'eta_num, rha_num, file_year'), ('T_SSRaaB', 'eta_num, rha_num, file_year'),
    ('T_SSRaaS', 'eta_num, rha_num, file_year'), ('T_SSRaaGME', 'eta_num, rha_num, file_year'),
    ('T_SSRaaSTC', 'eta_num, rha_num, file_year'), ('T_SSRaaCSTC', 'eta_num, seq_num, file_year'),
    ('T_SSRaaFASTC', 'eta_num, seq_num, file_year'), ('T_HADaaC', 'eta_num_epmsi, rhad_num, file_year'),
    ('T_HADaaB', 'eta_num_epmsi, rhad_num, file_year'), ('T_HADaaS', 'eta_num_epmsi, rhad_num, file_year'),
    ('T_HADaaSTC', 'eta_num_epmsi, rhad_num, file_year'), ('T_RIPaaC', 'eta_num_epmsi, rip_num, file_year'),
    ('T_RIPaaRSA', 'eta_num_epmsi, rip_num, file_year'), ('T_RIPaaS', 'eta_num_epmsi, rip_num, file_year'),
    ('T_RIPaaSTC', 'eta_num_epmsi, rip_num, file_year'), ('T_RIPaaR3A', 'eta_num_epmsi, ord_num, sej_idt, file_year'))
    AS keyed (name, key);

-- ---- lines of claims ----
SELECT oracle.make_claim_child(name) FROM (VALUES ('er_ucd_f'), ('er_tip_f'), ('er_dtr_f'), ('er_trs_f'), ('er_aro_f'),
    ('er_inv_f'), ('er_rat_f'), ('er_lot_f'), ('er_ano_f'), ('er_cpt_f')) AS child (name);
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['er_ucd_f', 'er_tip_f', 'er_dtr_f', 'er_trs_f', 'er_aro_f', 'er_inv_f', 'er_rat_f', 'er_lot_f',
            'er_ano_f', 'er_cpt_f'] LOOP
        EXECUTE format('CREATE UNLOGGED TABLE public.%I AS SELECT r.*, c.valid, c.valid_cost
            FROM oracle.%I r LEFT JOIN er_prs_f c USING (claim)', name, name);
    END LOOP;
END $$;

-- A statement belongs to whom its claims belong to: one patient, or one row of nobody.
CREATE UNLOGGED TABLE er_dct_f AS
WITH owner AS (
    SELECT flx_dis_dtd, flx_trt_dtd, flx_emt_typ, flx_emt_num, flx_emt_ord, org_cle_num, dct_ord_num,
        count(DISTINCT coalesce('P' || patient, 'claim ' || claim)) AS owners, min(patient) AS patient, min(patient_status) AS status
    FROM oracle.claim GROUP BY 1, 2, 3, 4, 5, 6, 7)
SELECT r.*, r.dct_rem_dtd AS event_date, r.dct_rem_dtd AS event_end,
    CASE WHEN owners = 1 THEN o.patient END AS patient,
    CASE WHEN owners IS NULL THEN 'orphan' WHEN owners = 1 THEN o.status ELSE 'ambiguous' END AS patient_status
FROM raw.er_dct_f r LEFT JOIN owner o USING (flx_dis_dtd, flx_trt_dtd, flx_emt_typ, flx_emt_num, flx_emt_ord, org_cle_num, dct_ord_num);

-- ---- rights of a pair ----
CREATE FUNCTION oracle.make_pair_table(name text, first_day text, last_day text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE UNLOGGED TABLE public.%I AS
        SELECT r.*, CAST(%s AS date) AS event_date, CAST(%s AS date) AS event_end,
            coalesce(p.person, oracle.unresolved(ben_nir_psa, ben_rng_gem)) AS patient,
            CASE WHEN p.person IS NOT NULL THEN ''resolved'' WHEN ben_nir_psa IS NOT NULL THEN ''unresolved'' ELSE ''dummy'' END
                AS patient_status
        FROM raw.%I r LEFT JOIN oracle.pair p ON p.psa = r.ben_nir_psa AND p.rank IS NOT DISTINCT FROM r.ben_rng_gem',
        name, first_day, last_day, name);
END $$;
SELECT oracle.make_pair_table(name, first_day, last_day) FROM (VALUES
    ('ir_etm_r', 'r.ben_exo_dtd', 'r.ben_exo_dtf'), ('ir_mat_r', 'r.ben_grs_dte', 'r.ben_grs_dte'),
    ('ir_mtt_r', 'r.mtt_deb_dte', 'r.mtt_fin_dte'), ('ir_orc_r', 'r.mll_cta_dsd', 'r.mll_cta_dsf'),
    ('ir_acs_r', 'r.fam_drt_dsd', 'r.fam_drt_dsf'), ('ir_esm_r', 'NULL', 'NULL')) AS right_of (name, first_day, last_day);

-- ---- rows that name their person ----
CREATE FUNCTION oracle.make_direct_table(name text, person text, day text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE UNLOGGED TABLE public.%I AS
        SELECT r.*, CAST(%s AS date) AS event_date, CAST(%s AS date) AS event_end, r.%I AS patient,
            CASE WHEN r.%I IS NULL THEN ''dummy'' WHEN k.person IS NULL THEN ''unresolved'' ELSE ''resolved'' END AS patient_status
        FROM raw.%I r LEFT JOIN (SELECT DISTINCT ben_idt_ano AS person FROM oracle.identity) k ON k.person = r.%I',
        name, day, day, person, person, name, person);
END $$;
SELECT oracle.make_direct_table(name, person, day) FROM (VALUES
    ('ir_iba_r', 'ben_idt_ano', 'NULL'), ('ir_vac_f', 'ben_nir_ano', 'r.exe_soi_dtd'), ('de_dep_f', 'ben_nir_ano', 'NULL'),
    ('ct_ind_aaaa_gn', 'ben_idt_ano', 'NULL')) AS direct (name, person, day);

-- A cause belongs to the certificate.
SELECT oracle.first_of('ki_cci_r', 'public.ki_cci_r', 'dcd_idt_enc', 'dcd_idt_enc, patient, patient_status, event_date, event_end', 'certificate');
CREATE UNLOGGED TABLE ki_ecd_r AS
    SELECT r.*, c.patient, coalesce(c.patient_status, 'orphan') AS patient_status, c.event_date, c.event_end
    FROM raw.ki_ecd_r r LEFT JOIN oracle.certificate c USING (dcd_idt_enc);

-- ---- stays and visits: pseudonym, return codes ----
CREATE FUNCTION oracle.make_link(name text, key text, rank text, good text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE UNLOGGED TABLE public.%1$I AS
        SELECT row_number() OVER (ORDER BY r.file_year, r.src_file, r.src_line) AS stay_id, r.*,
            r.exe_soi_dtd AS event_date, r.exe_soi_dtf AS event_end,
            CASE WHEN is_dummy THEN NULL WHEN r.rank IS NOT NULL THEN coalesce(p.person, oracle.unresolved(nir_ano_17, r.rank))
                 WHEN a.persons > 1 THEN NULL ELSE coalesce(a.person, oracle.unresolved(nir_ano_17, NULL)) END AS patient,
            CASE WHEN is_dummy THEN ''dummy''
                 WHEN r.rank IS NOT NULL THEN CASE WHEN p.person IS NULL THEN ''unresolved'' ELSE ''resolved'' END
                 WHEN a.persons > 1 THEN ''ambiguous'' WHEN a.persons = 1 THEN ''resolved'' ELSE ''unresolved'' END AS patient_status,
            %3$s AS valid
        FROM (SELECT c.*, CAST(%2$s AS int) AS rank, nir_ano_17 IS NULL OR nir_ano_17 IN (''xxxxxxxxxxxxxxxxx'', ''XXXXXXXXXXXXXXXXD'',
                  ''XXXXXXXXXXXXXXXXS'', ''XXXXXXXXXXXXXXXXE'', ''BXXXXXXXXXXXXXXXX'') AS is_dummy FROM raw.%1$I c) r
            LEFT JOIN oracle.pair p ON p.psa = r.nir_ano_17 AND p.rank = r.rank
            LEFT JOIN oracle.pseudonym a ON a.psa = r.nir_ano_17', name, rank, good);
    EXECUTE format('ALTER TABLE public.%I DROP COLUMN rank, DROP COLUMN is_dummy', name);
    PERFORM oracle.first_of(name, 'public.' || name, key,
        key || ', stay_id, patient, patient_status, event_date, event_end, valid', name || '_first');
END $$;
-- All codes that are there are 0.
CREATE FUNCTION oracle.all_zero(codes text[]) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS $$ SELECT '0' = ALL (array_remove(codes, NULL)) $$;
CREATE FUNCTION oracle.sent_again(finess text, year int) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT EXISTS (SELECT 1 FROM oracle.sent_twice s WHERE s.finess = $1 AND $2 BETWEEN s.year_from AND s.year_to) $$;
SELECT oracle.make_link(name, key, rank, 'oracle.all_zero(ARRAY[nir_ret, nai_ret, sex_ret, sej_ret, fho_ret, pms_ret, dat_ret, '
        'coh_nai_ret, coh_sex_ret])') FROM (VALUES
    ('t_ssraac', 'eta_num, rha_num, file_year', 'NULL'), ('t_hadaac', 'eta_num_epmsi, rhad_num, file_year', 'c.rng_nai'),
    ('t_ripaac', 'eta_num_epmsi, rip_num, file_year', 'NULL')) AS link (name, key, rank);
SELECT oracle.make_link('t_mcoaacstc', 'eta_num, seq_num, file_year', 'c.rng_nai',
    'oracle.all_zero(ARRAY[nir_ret, nai_ret, sex_ret, ias_ret, ent_dat_ret]) AND NOT oracle.sent_again(eta_num, file_year)');
SELECT oracle.make_link('t_ssraacstc', 'eta_num, seq_num, file_year', 'c.rng_nai',
    'oracle.all_zero(ARRAY[nir_ret, nai_ret, sex_ret, ias_ret, ent_dat_ret])');

-- A detail of a stay: its patient, its days, its validity and what rules add.
CREATE FUNCTION oracle.make_detail(parent text, key text, name text, rules text, valid text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE UNLOGGED TABLE public.%I AS
        SELECT r.*, c.stay_id, c.patient, coalesce(c.patient_status, ''orphan'') AS patient_status, c.event_date, c.event_end
            %s, %s AS valid
        FROM (SELECT * FROM raw.%I) r LEFT JOIN oracle.%I c USING (%s)', name, rules, valid, name, parent || '_first', key);
END $$;
SELECT oracle.make_detail('t_mcoaacstc', 'eta_num, seq_num, file_year', name, '', 'c.valid') FROM (VALUES ('t_mcoaafastc'), ('t_mcoaafbstc'),
    ('t_mcoaafcstc'), ('t_mcoaafhstc'), ('t_mcoaaflstc'), ('t_mcoaafmstc'), ('t_mcoaafpstc'), ('t_mcoaavaloace')) AS detail (name);
SELECT oracle.make_detail('t_ssraacstc', 'eta_num, seq_num, file_year', name, '', 'c.valid')
    FROM (VALUES ('t_ssraafastc'), ('t_ssraafbstc'), ('t_ssraafcstc'), ('t_ssraafmstc')) AS detail (name);
SELECT oracle.make_detail('t_ssraac', 'eta_num, rha_num, file_year', name, '', 'c.valid') FROM (VALUES ('t_ssraas'), ('t_ssraad'),
    ('t_ssraaccam'), ('t_ssraacsarr'), ('t_ssraagme'), ('t_ssraamed'), ('t_ssraamedatu'), ('t_ssraastc'), ('t_ssraafb'), ('t_ssraafc'),
    ('t_ssraafm')) AS detail (name);
SELECT oracle.make_detail('t_ssraac', 'eta_num, rha_num, file_year', 't_ssraab',
    ', grg_gme IS NULL OR left(grg_gme, 2) <> ''90'' AS rule_s1, typ_gen_rha IS NULL OR typ_gen_rha IN (''0'', ''4'') AS rule_s2,
       moi_ann IS NULL OR moi_ann % 10000 = file_year AS rule_s3',
    'c.valid AND (grg_gme IS NULL OR left(grg_gme, 2) <> ''90'') AND (typ_gen_rha IS NULL OR typ_gen_rha IN (''0'', ''4''))
       AND (moi_ann IS NULL OR moi_ann % 10000 = file_year)');
SELECT oracle.make_detail('t_hadaac', 'eta_num_epmsi, rhad_num, file_year', name, '', 'c.valid') FROM (VALUES ('t_hadaab'), ('t_hadaas'),
    ('t_hadaaa'), ('t_hadaad'), ('t_hadaadmpp'), ('t_hadaadmpa'), ('t_hadaamed'), ('t_hadaamedatu'), ('t_hadaafh'), ('t_hadaastc'),
    ('t_hadaafb')) AS detail (name);
SELECT oracle.make_detail('t_hadaac', 'eta_num_epmsi, rhad_num, file_year', 't_hadaagrp',
    ', ght_num IS NULL OR ght_num <> ''99'' AS rule_h1', 'c.valid AND (ght_num IS NULL OR ght_num <> ''99'')');
SELECT oracle.make_detail('t_ripaac', 'eta_num_epmsi, rip_num, file_year', name, '', 'c.valid')
    FROM (VALUES ('t_ripaarsad'), ('t_ripaas'), ('t_ripaaccam'), ('t_ripaastc'), ('t_ripaafb')) AS detail (name);
SELECT oracle.make_detail('t_ripaac', 'eta_num_epmsi, rip_num, file_year', 't_ripaarsa',
    ', seq_ind IS NULL OR seq_ind <> ''E'' AS rule_p1, typ_gen_rsa IS NULL OR typ_gen_rsa = ''0'' AS rule_p2',
    'c.valid AND (seq_ind IS NULL OR seq_ind <> ''E'') AND (typ_gen_rsa IS NULL OR typ_gen_rsa = ''0'')');

-- An act without a stay belongs to whom the hospital's own number belongs to.
CREATE UNLOGGED TABLE oracle.act AS
WITH owner AS (
    SELECT eta_num_epmsi, ipp_irr_cry, count(DISTINCT coalesce('P' || patient, 'stay ' || coalesce(stay_id, -src_line))) AS owners,
        min(patient) AS patient, min(patient_status) AS status
    FROM (SELECT eta_num_epmsi, ipp_irr_cry, patient, patient_status, stay_id, src_line FROM t_ripaac
          UNION ALL SELECT eta_num_epmsi, ipp_irr_cry, patient, patient_status, stay_id, src_line FROM t_ripaarsa) both_of
    GROUP BY 1, 2)
SELECT r.*, r.exe_soi_dtd AS event_date, r.exe_soi_dtd AS event_end, CASE WHEN owners = 1 THEN o.patient END AS patient,
    CASE WHEN owners IS NULL THEN 'orphan' WHEN owners = 1 THEN o.status ELSE 'ambiguous' END AS patient_status
FROM raw.t_ripaar3a r LEFT JOIN owner o USING (eta_num_epmsi, ipp_irr_cry);
CREATE UNLOGGED TABLE t_ripaar3a AS SELECT * FROM oracle.act;
SELECT oracle.first_of('t_ripaar3a', 'oracle.act', 'eta_num_epmsi, ord_num, sej_idt, file_year',
    'eta_num_epmsi, ord_num, sej_idt, file_year, patient, patient_status, event_date, event_end', 'act_first');
CREATE UNLOGGED TABLE t_ripaar3ad AS
    SELECT r.*, c.patient, coalesce(c.patient_status, 'orphan') AS patient_status, c.event_date, c.event_end
    FROM raw.t_ripaar3ad r LEFT JOIN oracle.act_first c USING (eta_num_epmsi, ord_num, sej_idt, file_year);

-- ---- stays of MCO ----
SELECT oracle.make_stay_child(name) FROM (VALUES ('t_mcoaamed'), ('t_mcoaamedatu'), ('t_mcoaamedthrombo'), ('t_mcoaadmip'),
    ('t_mcoaadialp'), ('t_mcoaaivg'), ('t_mcoaapie'), ('t_mcoaafh'), ('t_mcoaastc'), ('t_mcoaavalo'), ('t_mcoaafa'), ('t_mcoaafb'),
    ('t_mcoaafc'), ('t_mcoaafm')) AS child (name);
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['t_mcoaamed', 't_mcoaamedatu', 't_mcoaamedthrombo', 't_mcoaadmip', 't_mcoaadialp', 't_mcoaaivg',
            't_mcoaapie', 't_mcoaafh', 't_mcoaastc', 't_mcoaavalo', 't_mcoaafa', 't_mcoaafb', 't_mcoaafc', 't_mcoaafm'] LOOP
        EXECUTE format('CREATE UNLOGGED TABLE public.%I AS SELECT r.*, c.valid FROM oracle.%I r LEFT JOIN t_mcoaac c USING (mco_stay)',
            name, name);
    END LOOP;
END $$;

-- ---- hospital drugs: the package that has the code of 13 digits, the first by its CIP13 ----
CREATE UNLOGGED TABLE oracle.hospital_package AS
    SELECT DISTINCT ON (pha_cip_ucd) pha_cip_ucd AS ucd, coalesce(pha_atc_cla, pha_atc_c07) AS atc,
        coalesce(pha_grd_cnd = 'GC', pha_cnd_top = 'GC', false) AS large_package
    FROM raw.ir_pha_r WHERE pha_cip_ucd IS NOT NULL ORDER BY pha_cip_ucd, pha_cip_c13;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['er_ucd_f', 't_mcoaamed', 't_mcoaamedatu', 't_mcoaamedthrombo', 't_mcoaafh', 't_mcoaafhstc', 't_ssraamed',
            't_ssraamedatu', 't_hadaamed', 't_hadaamedatu', 't_hadaafh'] LOOP
        EXECUTE format('ALTER TABLE public.%I ADD COLUMN atc text, ADD COLUMN large_package boolean', name);
        EXECUTE format('UPDATE public.%I r SET atc = d.atc, large_package = d.large_package FROM oracle.hospital_package d
            WHERE d.ucd = r.ucd_ucd_cod', name);
        EXECUTE format('UPDATE public.%I SET large_package = false WHERE large_package IS NULL', name);
    END LOOP;
END $$;
