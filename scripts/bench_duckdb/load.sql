-- A delivery (views raw_*) to Parquet, sorted by patient and day, patients resolved. {out} is the folder.
-- patient is the 64-bit hash of the person key: a number sorts, joins and counts faster than the text,
-- which PERSON keeps. Rows of nobody have no patient.
CREATE TEMP TABLE identity AS SELECT 1 AS precedence, * FROM raw_IR_BEN_R
    UNION ALL BY NAME SELECT 2 AS precedence, * FROM raw_IR_BEN_R_ARC;
CREATE TEMP TABLE pair AS
    SELECT DISTINCT ON (BEN_NIR_PSA, BEN_RNG_GEM) BEN_NIR_PSA AS psa, BEN_RNG_GEM AS rank, hash(BEN_IDT_ANO) AS person
    FROM identity WHERE BEN_NIR_PSA IS NOT NULL AND BEN_IDT_ANO IS NOT NULL
    ORDER BY BEN_NIR_PSA, BEN_RNG_GEM, precedence, MAX_TRT_DTD DESC NULLS LAST, BEN_DTE_MAJ DESC NULLS LAST,
        BEN_IDT_ANO;
CREATE TEMP TABLE pseudonym AS SELECT psa, min(person) AS person, count(DISTINCT person) AS persons FROM pair GROUP BY psa;
CREATE TEMP TABLE package AS
    SELECT PHA_CIP_C13 AS cip, COALESCE(PHA_ATC_CLA, PHA_ATC_C07) AS atc,
        COALESCE(PHA_GRD_CND = 'GC', PHA_CND_TOP = 'GC', FALSE) AS large_package
    FROM raw_IR_PHA_R WHERE PHA_CIP_C13 IS NOT NULL;
-- A line without the new code of its package is looked up by the old one.
CREATE TEMP TABLE old_package AS
    SELECT DISTINCT ON (PHA_PRS_IDE) PHA_PRS_IDE AS cip7, COALESCE(PHA_ATC_CLA, PHA_ATC_C07) AS atc,
        COALESCE(PHA_GRD_CND = 'GC', PHA_CND_TOP = 'GC', FALSE) AS large_package
    FROM raw_IR_PHA_R WHERE PHA_PRS_IDE IS NOT NULL AND PHA_PRS_IDE <> 0 ORDER BY PHA_PRS_IDE, PHA_CIP_C13;
CREATE TEMP MACRO unresolved(psa, rank) AS hash(psa || '/' || COALESCE(rank::VARCHAR, ''));

-- Claims. Rule D3 asks the row of ER_ETE_F, the others the claim.
CREATE TEMP TABLE in_hospital AS
    SELECT DISTINCT FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_TYP, FLX_EMT_NUM, FLX_EMT_ORD, ORG_CLE_NUM, DCT_ORD_NUM,
        PRS_ORD_NUM, REM_TYP_AFF, TRUE AS is_public FROM raw_ER_ETE_F WHERE ETE_IND_TAA = 1;
COPY (
    SELECT CASE WHEN BEN_NIR_PSA IS NULL OR COALESCE(RGM_COD = 888, FALSE)
                OR COALESCE(BEN_CDI_NIR IN ('01', '05', '06', '08', '09', '11', '12', '13', '14', '15'), FALSE) THEN NULL
            ELSE COALESCE(person, unresolved(BEN_NIR_PSA, BEN_RNG_GEM)) END AS patient,
        EXE_SOI_DTD AS event_date, EXE_SOI_DTF AS event_end,
        COALESCE(DPN_QLF NOT IN (71, 72), TRUE) AND COALESCE(PRS_DPN_QLP NOT IN (71, 72), TRUE)
            AND is_public IS NULL AND COALESCE(CPL_MAJ_TOP < 2, TRUE) AND COALESCE(BSE_PRS_NAT <> 0, TRUE) AS valid,
        COALESCE(DPN_QLF NOT IN (71, 72), TRUE) AND (COALESCE(PRS_DPN_QLP NOT IN (71, 72), TRUE)
            OR COALESCE(DPN_QLF = 0 AND PRS_DPN_QLP = 71 AND CPL_AFF_COD = 16, FALSE))
            AND is_public IS NULL AND COALESCE(BSE_PRS_NAT <> 0, TRUE) AS valid_cost,
        r.*
    FROM raw_ER_PRS_F r
        LEFT JOIN pair ON psa = BEN_NIR_PSA AND rank = BEN_RNG_GEM
        LEFT JOIN in_hospital USING (FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_TYP, FLX_EMT_NUM, FLX_EMT_ORD, ORG_CLE_NUM,
            DCT_ORD_NUM, PRS_ORD_NUM, REM_TYP_AFF)
    ORDER BY patient, event_date
) TO '{out}/ER_PRS_F.parquet' (FORMAT parquet, COMPRESSION zstd);
CREATE TEMP VIEW claim AS
    SELECT FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_TYP, FLX_EMT_NUM, FLX_EMT_ORD, ORG_CLE_NUM, DCT_ORD_NUM, PRS_ORD_NUM,
        REM_TYP_AFF, patient, event_date, event_end, valid, PFS_PRE_NUM FROM '{out}/ER_PRS_F.parquet';

-- Details of claims: patient, days and the validity of the claim; a drug line also its class and prescriber.
COPY (
    SELECT patient, event_date, event_end, valid, CASE WHEN n.cip IS NOT NULL THEN n.atc ELSE o.atc END AS atc,
        COALESCE(CASE WHEN n.cip IS NOT NULL THEN n.large_package ELSE o.large_package END, FALSE) AS large_package,
        PFS_PRE_NUM, r.*
    FROM raw_ER_PHA_F r LEFT JOIN claim USING (FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_TYP, FLX_EMT_NUM, FLX_EMT_ORD,
            ORG_CLE_NUM, DCT_ORD_NUM, PRS_ORD_NUM, REM_TYP_AFF)
        LEFT JOIN package n ON n.cip = PHA_PRS_C13
        LEFT JOIN old_package o ON n.cip IS NULL AND o.cip7 = PHA_PRS_IDE
    ORDER BY patient, event_date
) TO '{out}/ER_PHA_F.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT patient, event_date, event_end, valid, r.*
    FROM raw_ER_CAM_F r LEFT JOIN claim USING (FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_TYP, FLX_EMT_NUM, FLX_EMT_ORD,
        ORG_CLE_NUM, DCT_ORD_NUM, PRS_ORD_NUM, REM_TYP_AFF)
    ORDER BY patient, event_date
) TO '{out}/ER_CAM_F.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT patient, event_date, event_end, valid, r.*
    FROM raw_ER_BIO_F r LEFT JOIN claim USING (FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_TYP, FLX_EMT_NUM, FLX_EMT_ORD,
        ORG_CLE_NUM, DCT_ORD_NUM, PRS_ORD_NUM, REM_TYP_AFF)
    ORDER BY patient, event_date
) TO '{out}/ER_BIO_F.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT patient, event_date, event_end, valid, r.*
    FROM raw_ER_ETE_F r LEFT JOIN claim USING (FLX_DIS_DTD, FLX_TRT_DTD, FLX_EMT_TYP, FLX_EMT_NUM, FLX_EMT_ORD,
        ORG_CLE_NUM, DCT_ORD_NUM, PRS_ORD_NUM, REM_TYP_AFF)
    ORDER BY patient, event_date
) TO '{out}/ER_ETE_F.parquet' (FORMAT parquet, COMPRESSION zstd);

-- Hospital stays: the pair when the rank is given, else the only person of the pseudonym. Hospitals that
-- send twice (rule M1) did so until 2017: these deliveries begin later.
CREATE TEMP TABLE stay AS
    SELECT CASE WHEN NIR_ANO_17 IS NULL OR NIR_ANO_17 IN ('xxxxxxxxxxxxxxxxx', 'XXXXXXXXXXXXXXXXD', 'XXXXXXXXXXXXXXXXS',
                'XXXXXXXXXXXXXXXXE', 'BXXXXXXXXXXXXXXXX') THEN NULL
            WHEN RNG_NAI IS NOT NULL THEN COALESCE(p.person, unresolved(NIR_ANO_17, RNG_NAI))
            WHEN a.persons > 1 THEN NULL
            ELSE COALESCE(a.person, unresolved(NIR_ANO_17, NULL)) END AS patient,
        c.EXE_SOI_DTD AS event_date, c.EXE_SOI_DTF AS event_end,
        COALESCE(NIR_RET = '0', TRUE) AND COALESCE(NAI_RET = '0', TRUE) AND COALESCE(SEX_RET = '0', TRUE)
            AND COALESCE(SEJ_RET = '0', TRUE) AND COALESCE(FHO_RET = '0', TRUE) AND COALESCE(PMS_RET = '0', TRUE)
            AND COALESCE(DAT_RET = '0', TRUE) AND COALESCE(COH_NAI_RET = '0', TRUE) AND COALESCE(COH_SEX_RET = '0', TRUE)
            AND COALESCE(GRG_GHM NOT LIKE '90%', TRUE) AND COALESCE(SEJ_TYP <> 'B', TRUE)
            AND COALESCE(TYP_GEN_RSA = 0, TRUE) AS valid,
        c.*
    FROM raw_T_MCOaaC c
        LEFT JOIN (SELECT ETA_NUM, RSA_NUM, file_year, GRG_GHM, SEJ_TYP, TYP_GEN_RSA FROM raw_T_MCOaaB)
            USING (ETA_NUM, RSA_NUM, file_year)
        LEFT JOIN pair p ON p.psa = NIR_ANO_17 AND p.rank = RNG_NAI
        LEFT JOIN pseudonym a ON a.psa = NIR_ANO_17;
COPY (SELECT * FROM stay ORDER BY patient, event_date) TO '{out}/T_MCOaaC.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT s.patient, s.event_date, s.event_end, s.valid, r.* FROM raw_T_MCOaaB r
        LEFT JOIN stay s USING (ETA_NUM, RSA_NUM, file_year) ORDER BY patient, event_date
) TO '{out}/T_MCOaaB.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT s.patient, s.event_date, s.event_end, s.valid, r.* FROM raw_T_MCOaaD r
        LEFT JOIN stay s USING (ETA_NUM, RSA_NUM, file_year) ORDER BY patient, event_date
) TO '{out}/T_MCOaaD.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT s.patient, s.event_date, s.event_end, s.valid, r.* FROM raw_T_MCOaaUM r
        LEFT JOIN stay s USING (ETA_NUM, RSA_NUM, file_year) ORDER BY patient, event_date
) TO '{out}/T_MCOaaUM.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT s.patient, s.event_date, s.event_end, s.valid, r.* FROM raw_T_MCOaaA r
        LEFT JOIN stay s USING (ETA_NUM, RSA_NUM, file_year) ORDER BY patient, event_date
) TO '{out}/T_MCOaaA.parquet' (FORMAT parquet, COMPRESSION zstd);

-- The other tables of patients.
COPY (SELECT hash(BEN_IDT_ANO) AS patient, * EXCLUDE (precedence) FROM identity WHERE precedence = 1 ORDER BY patient)
    TO '{out}/IR_BEN_R.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT hash(BEN_IDT_ANO) AS patient, * EXCLUDE (precedence) FROM identity WHERE precedence = 2 ORDER BY patient)
    TO '{out}/IR_BEN_R_ARC.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT COALESCE(person, unresolved(BEN_NIR_PSA, BEN_RNG_GEM)) AS patient, IMB_ALD_DTD AS event_date,
        IMB_ALD_DTF AS event_end, r.*
    FROM raw_IR_IMB_R r LEFT JOIN pair ON psa = BEN_NIR_PSA AND rank = BEN_RNG_GEM ORDER BY patient, event_date
) TO '{out}/IR_IMB_R.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT CASE WHEN DCD_IDT_TOP = 1 THEN hash(BEN_IDT_ANO) END AS patient, BEN_DCD_DTE AS event_date,
        BEN_DCD_DTE AS event_end, r.* FROM raw_KI_CCI_R r ORDER BY patient
) TO '{out}/KI_CCI_R.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT hash(BEN_IDT_ANO) AS patient, BEN_IDT_ANO AS person_key,
        CASE arg_max(BEN_SEX_COD, newest) WHEN 1 THEN 'M' WHEN 2 THEN 'F' END AS sex,
        CAST(arg_max(BEN_NAI_ANN, newest) AS INTEGER) AS birth_year,
        make_date(CAST(arg_max(BEN_NAI_ANN, newest) AS INTEGER), arg_max(BEN_NAI_MOI, newest), 1) AS birth_date,
        min(BEN_DCD_DTE) AS death_date, arg_max(BEN_RES_DPT, newest) AS BEN_RES_DPT,
        arg_max(BEN_RES_COM, newest) AS BEN_RES_COM, TRUE AS resolved
    FROM (SELECT *, {'t': COALESCE(MAX_TRT_DTD, DATE '0001-01-01'), 'm': COALESCE(BEN_DTE_MAJ, DATE '0001-01-01')} AS newest
          FROM identity WHERE BEN_IDT_ANO IS NOT NULL)
    GROUP BY BEN_IDT_ANO ORDER BY patient
) TO '{out}/PERSON.parquet' (FORMAT parquet, COMPRESSION zstd);
