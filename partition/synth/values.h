/** @file partition/synth/values.h
 *  What deliveries with all columns have beyond the core tables: the tables, and the values that
 *  their columns may show. data/details.csv says for each column which value it shows and in which
 *  form, so a new table needs a line here, its columns there and the place where its rows are due.
 */
#ifndef PC_SYNTH_VALUES_H
#define PC_SYNTH_VALUES_H

/** X(name, schema in details.csv, when its rows are due, mean rows at each such time x 1000: one
 *  row at most up to 1000).
 *  Files are named after the schema: ER_ tables with the year of flow (rows by flow month), T_
 * tables with two digits of their year in place of `aa`. HAND: rows come one by one from the code.
 */
#define SYNTH_DETAIL_TABLES(X)                                                                     \
    X(DCT, "ER_DCT_F", HAND, 0)                                                                    \
    X(UCD, "ER_UCD_F", HAND, 0)                                                                    \
    X(TIP, "ER_TIP_F", HAND, 0)                                                                    \
    X(DTR, "ER_DTR_F", HAND, 0)                                                                    \
    X(TRS, "ER_TRS_F", HAND, 0)                                                                    \
    X(ARO, "ER_ARO_F", HAND, 0)                                                                    \
    X(INV, "ER_INV_F", HAND, 0)                                                                    \
    X(RAT, "ER_RAT_F", HAND, 0)                                                                    \
    X(LOT, "ER_LOT_F", HAND, 0)                                                                    \
    X(ANO, "ER_ANO_F", HAND, 0)                                                                    \
    X(CPT, "ER_CPT_F", HAND, 0)                                                                    \
    X(IBA, "IR_IBA_R", HAND, 0)                                                                    \
    X(ORC, "IR_ORC_R", HAND, 0)                                                                    \
    X(ETM, "IR_ETM_R", HAND, 0)                                                                    \
    X(MAT, "IR_MAT_R", HAND, 0)                                                                    \
    X(MTT, "IR_MTT_R", HAND, 0)                                                                    \
    X(ACS, "IR_ACS_R", HAND, 0)                                                                    \
    X(ESM, "IR_ESM_R", HAND, 0)                                                                    \
    X(VAC, "IR_VAC_F", HAND, 0)                                                                    \
    X(DEP, "DE_DEP_F", HAND, 0)                                                                    \
    X(ECD, "KI_ECD_R", HAND, 0)                                                                    \
    X(ATLAS, "CT_IND_AAAA_GN", HAND, 0)                                                            \
    X(MCO_VALO, "T_MCOaaVALO", MCO_STAY, 1000)                                                     \
    X(MCO_MED, "T_MCOaaMED", MCO_STAY, 90)                                                         \
    X(MCO_MEDATU, "T_MCOaaMEDATU", MCO_STAY, 10)                                                   \
    X(MCO_MEDTHROMBO, "T_MCOaaMEDTHROMBO", MCO_STAY, 2)                                            \
    X(MCO_DMIP, "T_MCOaaDMIP", MCO_STAY, 60)                                                       \
    X(MCO_DIALP, "T_MCOaaDIALP", MCO_STAY, 3)                                                      \
    X(MCO_PIE, "T_MCOaaPIE", MCO_STAY, 2)                                                          \
    X(MCO_IVG, "T_MCOaaIVG", HAND, 0)                                                              \
    X(MCO_STC, "T_MCOaaSTC", MCO_PUBLIC, 1000)                                                     \
    X(MCO_FA, "T_MCOaaFA", MCO_PRIVATE, 1000)                                                      \
    X(MCO_FB, "T_MCOaaFB", MCO_PRIVATE, 2500)                                                      \
    X(MCO_FC, "T_MCOaaFC", MCO_PRIVATE, 2500)                                                      \
    X(MCO_FH, "T_MCOaaFH", MCO_PRIVATE, 150)                                                       \
    X(MCO_FM, "T_MCOaaFM", MCO_PRIVATE, 2000)                                                      \
    X(MCO_CSTC, "T_MCOaaCSTC", MCO_VISIT, 1000)                                                    \
    X(MCO_FASTC, "T_MCOaaFASTC", MCO_VISIT, 1000)                                                  \
    X(MCO_FBSTC, "T_MCOaaFBSTC", MCO_VISIT, 450)                                                   \
    X(MCO_FCSTC, "T_MCOaaFCSTC", MCO_VISIT, 1800)                                                  \
    X(MCO_FHSTC, "T_MCOaaFHSTC", MCO_VISIT, 30)                                                    \
    X(MCO_FLSTC, "T_MCOaaFLSTC", MCO_VISIT, 3000)                                                  \
    X(MCO_FMSTC, "T_MCOaaFMSTC", MCO_VISIT, 900)                                                   \
    X(MCO_FPSTC, "T_MCOaaFPSTC", MCO_VISIT, 15)                                                    \
    X(MCO_VALOACE, "T_MCOaaVALOACE", MCO_VISIT, 1000)                                              \
    X(SSR_C, "T_SSRaaC", SSR_STAY, 1000)                                                           \
    X(SSR_S, "T_SSRaaS", SSR_STAY, 1000)                                                           \
    X(SSR_GME, "T_SSRaaGME", SSR_STAY, 1000)                                                       \
    X(SSR_STC, "T_SSRaaSTC", SSR_STAY, 600)                                                        \
    X(SSR_FB, "T_SSRaaFB", SSR_STAY, 2300)                                                         \
    X(SSR_FC, "T_SSRaaFC", SSR_STAY, 2300)                                                         \
    X(SSR_FM, "T_SSRaaFM", SSR_STAY, 400)                                                          \
    X(SSR_B, "T_SSRaaB", SSR_WEEK, 1000)                                                           \
    X(SSR_D, "T_SSRaaD", SSR_WEEK, 3700)                                                           \
    X(SSR_CCAM, "T_SSRaaCCAM", SSR_WEEK, 400)                                                      \
    X(SSR_CSARR, "T_SSRaaCSARR", SSR_WEEK, 12000)                                                  \
    X(SSR_MED, "T_SSRaaMED", SSR_WEEK, 15)                                                         \
    X(SSR_MEDATU, "T_SSRaaMEDATU", SSR_WEEK, 2)                                                    \
    X(SSR_CSTC, "T_SSRaaCSTC", SSR_VISIT, 1000)                                                    \
    X(SSR_FASTC, "T_SSRaaFASTC", SSR_VISIT, 1000)                                                  \
    X(SSR_FBSTC, "T_SSRaaFBSTC", SSR_VISIT, 500)                                                   \
    X(SSR_FCSTC, "T_SSRaaFCSTC", SSR_VISIT, 1000)                                                  \
    X(SSR_FMSTC, "T_SSRaaFMSTC", SSR_VISIT, 500)                                                   \
    X(HAD_C, "T_HADaaC", HAD_STAY, 1000)                                                           \
    X(HAD_S, "T_HADaaS", HAD_STAY, 1000)                                                           \
    X(HAD_STC, "T_HADaaSTC", HAD_STAY, 750)                                                        \
    X(HAD_FB, "T_HADaaFB", HAD_STAY, 1900)                                                         \
    X(HAD_FH, "T_HADaaFH", HAD_STAY, 190)                                                          \
    X(HAD_B, "T_HADaaB", HAD_PART, 1000)                                                           \
    X(HAD_GRP, "T_HADaaGRP", HAD_PART, 1000)                                                       \
    X(HAD_A, "T_HADaaA", HAD_PART, 130)                                                            \
    X(HAD_D, "T_HADaaD", HAD_PART, 3300)                                                           \
    X(HAD_DMPP, "T_HADaaDMPP", HAD_PART, 2000)                                                     \
    X(HAD_DMPA, "T_HADaaDMPA", HAD_PART, 2000)                                                     \
    X(HAD_MED, "T_HADaaMED", HAD_PART, 130)                                                        \
    X(HAD_MEDATU, "T_HADaaMEDATU", HAD_PART, 8)                                                    \
    X(RIP_C, "T_RIPaaC", RIP_STAY, 1000)                                                           \
    X(RIP_S, "T_RIPaaS", RIP_STAY, 1000)                                                           \
    X(RIP_STC, "T_RIPaaSTC", RIP_STAY, 620)                                                        \
    X(RIP_FB, "T_RIPaaFB", RIP_STAY, 1240)                                                         \
    X(RIP_RSA, "T_RIPaaRSA", RIP_PART, 1000)                                                       \
    X(RIP_RSAD, "T_RIPaaRSAD", RIP_PART, 950)                                                      \
    X(RIP_CCAM, "T_RIPaaCCAM", RIP_PART, 60)                                                       \
    X(RIP_R3A, "T_RIPaaR3A", RIP_ACT, 1000)                                                        \
    X(RIP_R3AD, "T_RIPaaR3AD", RIP_ACT, 230)                                                       \
    X(PRACTITIONER, "DA_PRA_R", REFERENCE, 0)                                                      \
    X(ESTABLISHMENT, "BE_IDE_R", REFERENCE, 0)                                                     \
    X(MCO_E, "T_MCOaaE", REFERENCE, 0)                                                             \
    X(SSR_E, "T_SSRaaE", REFERENCE, 0)                                                             \
    X(HAD_E, "T_HADaaE", REFERENCE, 0)                                                             \
    X(RIP_E, "T_RIPaaE", REFERENCE, 0)

/** X(name, kind): NUMBER, DAY, TEXT or MONEY (cents). The first nine are the key of a claim, in the
 *  order of SYNTH_KEY_FIELDS. */
#define SYNTH_VALUES(X)                                                                            \
    X(DCT_ORD_NUM, NUMBER)                                                                         \
    X(FLX_DIS_DTD, DAY)                                                                            \
    X(FLX_EMT_NUM, NUMBER)                                                                         \
    X(FLX_EMT_ORD, NUMBER)                                                                         \
    X(FLX_EMT_TYP, NUMBER)                                                                         \
    X(FLX_TRT_DTD, DAY)                                                                            \
    X(ORG_CLE_NUM, TEXT)                                                                           \
    X(PRS_ORD_NUM, NUMBER)                                                                         \
    X(REM_TYP_AFF, NUMBER)                                                                         \
    X(PSA, TEXT) /* the pair that a row of rights is about */                                      \
    X(RANK, NUMBER)                                                                                \
    X(ANO, TEXT)                                                                                   \
    X(IDT, TEXT)                                                                                   \
    X(INSURED, TEXT)                                                                               \
    X(IDT_TOP, NUMBER)                                                                             \
    X(CDI, TEXT)                                                                                   \
    X(BIRTH_YEAR, NUMBER)                                                                          \
    X(BIRTH_MONTH, NUMBER)                                                                         \
    X(SEX, NUMBER)                                                                                 \
    X(DEATH, DAY)                                                                                  \
    X(DPT, TEXT)     /* residence: 3 characters */                                                 \
    X(DPT2, TEXT)    /* ... 2, as PMSI has it */                                                   \
    X(FINESS2, TEXT) /* ... as hospital numbers begin */                                           \
    X(COM, NUMBER)                                                                                 \
    X(MAX_TRT, DAY)                                                                                \
    X(INSERTED, DAY)                                                                               \
    X(UPDATED, DAY)                                                                                \
    X(AGE, NUMBER)      /* in years, none below one */                                             \
    X(AGE_DAYS, NUMBER) /* in days, below one year */                                              \
    X(POOR, NUMBER)                                                                                \
    X(DOCTOR, NUMBER)                                                                              \
    X(SPECIALITY, NUMBER)                                                                          \
    X(HOSPITAL, TEXT)  /* 9 characters */                                                          \
    X(HOSPITAL8, TEXT) /* ... without the check digit, as DCIR has it */                           \
    X(NUMBER, TEXT)    /* of a stay, visit or act within hospital and year */                      \
    X(STAY, TEXT)                                                                                  \
    X(WEEK, NUMBER)                                                                                \
    X(SEQUENCE, NUMBER)                                                                            \
    X(SUBSEQUENCE, NUMBER)                                                                         \
    X(FIRST, NUMBER) /* 1: the first part of a stay */                                             \
    X(LAST, NUMBER)                                                                                \
    X(NIR, TEXT) /* NIR_ANO_17 */                                                                  \
    X(IPP, TEXT) /* the hospital's own number of the person */                                     \
    X(RNG_NAI, NUMBER)                                                                             \
    X(RNG_BEN, TEXT)                                                                               \
    X(NIR_RET, NUMBER)                                                                             \
    X(NAI_RET, NUMBER)                                                                             \
    X(SEX_RET, NUMBER)                                                                             \
    X(SEJ_RET, NUMBER)                                                                             \
    X(FHO_RET, NUMBER)                                                                             \
    X(PMS_RET, NUMBER)                                                                             \
    X(DAT_RET, NUMBER)                                                                             \
    X(COH_NAI_RET, NUMBER)                                                                         \
    X(COH_SEX_RET, NUMBER)                                                                         \
    X(IAS_RET, NUMBER)                                                                             \
    X(ENT_DAT_RET, NUMBER)                                                                         \
    X(SEJ_NUM, NUMBER)                                                                             \
    X(FROM, DAY) /* of a stay or a right */                                                        \
    X(TO, DAY)                                                                                     \
    X(DAY, DAY) /* of the row */                                                                   \
    X(YEAR_DAY, DAY)                                                                               \
    X(DELAY, NUMBER) /* days from FROM to DAY */                                                   \
    X(NIGHTS, NUMBER)                                                                              \
    X(FILE_YEAR, NUMBER)                                                                           \
    X(ENTRY, NUMBER)                                                                               \
    X(EXIT, NUMBER)                                                                                \
    X(MAIN, TEXT) /* ICD-10 */                                                                     \
    X(RELATED, TEXT)                                                                               \
    X(ASSOCIATED, TEXT)                                                                            \
    X(ACT, TEXT)   /* CCAM */                                                                      \
    X(GROUP, TEXT) /* of case mix */                                                               \
    X(DRUG, TEXT)  /* UCD of 13 characters */                                                      \
    X(DRUG7, TEXT)                                                                                 \
    X(DEVICE, TEXT)  /* LPP */                                                                     \
    X(ORDER, NUMBER) /* of the row among its siblings */                                           \
    X(PHA_ORDER, NUMBER)                                                                           \
    X(QUANTITY, NUMBER)                                                                            \
    X(CENTS, MONEY)                                                                                \
    X(PART, MONEY)                                                                                 \
    X(CERTIFICATE, TEXT)                                                                           \
    X(MATCHED, NUMBER)                                                                             \
    X(LINE, NUMBER)                                                                                \
    X(LABEL, TEXT)                                                                                 \
    X(DIABETE, NUMBER) /* in the cohort of that year */

#define SYNTH_DETAIL_NAME(name, schema, due, per_1000) DETAIL_##name,
typedef enum synth_detail_table {
    SYNTH_DETAIL_TABLES(SYNTH_DETAIL_NAME) SYNTH_DETAILS
} synth_detail_table;

/** When rows of a table are due. */
typedef enum synth_due {
    DUE_HAND,
    DUE_MCO_STAY,
    DUE_MCO_PUBLIC,
    DUE_MCO_PRIVATE,
    DUE_MCO_VISIT,
    DUE_SSR_STAY,
    DUE_SSR_WEEK,
    DUE_SSR_VISIT,
    DUE_HAD_STAY,
    DUE_HAD_PART,
    DUE_RIP_STAY,
    DUE_RIP_PART,
    DUE_RIP_ACT,
    DUE_REFERENCE
} synth_due;

#define SYNTH_VALUE_NAME(name, kind) V_##name,
enum { SYNTH_VALUES(SYNTH_VALUE_NAME) SYNTH_VALUE_COUNT };

#endif
