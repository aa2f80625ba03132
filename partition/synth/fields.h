/** @file partition/synth/fields.h
 *  The columns that the generator computes, by table: name, how it is written, width. The other
 *  columns of a table are filled as data/columns.csv says.
 */
#ifndef PC_SYNTH_FIELDS_H
#define PC_SYNTH_FIELDS_H

#define SYNTH_KEY_FIELDS(X)                                                                        \
    X(DCT_ORD_NUM, INT, 0)                                                                         \
    X(FLX_DIS_DTD, DAY, 0)                                                                         \
    X(FLX_EMT_NUM, INT, 0)                                                                         \
    X(FLX_EMT_ORD, INT, 0)                                                                         \
    X(FLX_EMT_TYP, INT, 0)                                                                         \
    X(FLX_TRT_DTD, DAY, 0)                                                                         \
    X(ORG_CLE_NUM, TEXT, 0)                                                                        \
    X(PRS_ORD_NUM, INT, 0)                                                                         \
    X(REM_TYP_AFF, INT, 0)

#define SYNTH_PRS_FIELDS(X)                                                                        \
    SYNTH_KEY_FIELDS(X)                                                                            \
    X(BEN_NIR_PSA, TEXT, 0)                                                                        \
    X(BEN_RNG_GEM, INT, 0)                                                                         \
    X(BEN_AMA_COD, INT, 0)                                                                         \
    X(BEN_CDI_NIR, TEXT, 0)                                                                        \
    X(BEN_CMU_TOP, INT, 0)                                                                         \
    X(BEN_DCD_AME, MONTH, 0)                                                                       \
    X(BEN_DCD_DTE, DAY, 0)                                                                         \
    X(BEN_NAI_ANN, INT, 0)                                                                         \
    X(BEN_RES_COM, PADDED, 3)                                                                      \
    X(BEN_RES_DPT, TEXT, 0)                                                                        \
    X(BEN_SEX_COD, INT, 0)                                                                         \
    X(ORG_AFF_BEN, TEXT, 0)                                                                        \
    X(EXE_SOI_AMD, MONTH, 0)                                                                       \
    X(EXE_SOI_AMF, MONTH, 0)                                                                       \
    X(EXE_SOI_DTD, DAY, 0)                                                                         \
    X(EXE_SOI_DTF, DAY, 0)                                                                         \
    X(PRE_PRE_AMD, MONTH, 0)                                                                       \
    X(PRE_PRE_DTD, DAY, 0)                                                                         \
    X(BSE_REM_BSE, DECIMAL2, 0)                                                                    \
    X(BSE_REM_MNT, DECIMAL2, 0)                                                                    \
    X(BSE_REM_PRU, DECIMAL5, 0)                                                                    \
    X(BSE_REM_SGN, INT, 0)                                                                         \
    X(CPL_REM_MNT, DECIMAL2, 0)                                                                    \
    X(PRS_ACT_COG, DECIMAL2, 0)                                                                    \
    X(PRS_ACT_CFT, DECIMAL2, 0)                                                                    \
    X(PRS_ACT_NBR, INT, 0)                                                                         \
    X(PRS_ACT_QTE, INT, 0)                                                                         \
    X(PRS_PAI_MNT, DECIMAL2, 0)                                                                    \
    X(PRS_DEP_MNT, DECIMAL2, 0)                                                                    \
    X(RGM_COD, INT, 0)                                                                             \
    X(RGM_GRG_COD, INT, 0)                                                                         \
    X(BSE_PRS_NAT, INT, 0)                                                                         \
    X(CPL_AFF_COD, INT, 0)                                                                         \
    X(CPL_MAJ_TOP, INT, 0)                                                                         \
    X(CPL_PRS_NAT, INT, 0)                                                                         \
    X(DPN_QLF, INT, 0)                                                                             \
    X(EXE_LIE_COD, INT, 0)                                                                         \
    X(EXO_MTF, INT, 0)                                                                             \
    X(ORG_CLE_NEW, TEXT, 0)                                                                        \
    X(PRS_DPN_QLP, INT, 0)                                                                         \
    X(PRS_NAT_REF, INT, 0)                                                                         \
    X(RGO_ASU_NAT, INT, 0)                                                                         \
    X(RGO_ENV_TYP, INT, 0)                                                                         \
    X(RGO_REM_TAU, DECIMAL2, 0)                                                                    \
    X(PFS_EXE_NUM, PADDED, 8)                                                                      \
    X(PFS_PRE_NUM, PADDED, 8)                                                                      \
    X(PRS_MTT_NUM, PADDED, 8)                                                                      \
    X(PSE_ACT_NAT, INT, 0)                                                                         \
    X(PSE_SPE_COD, INT, 0)                                                                         \
    X(PSE_STJ_COD, INT, 0)                                                                         \
    X(PSP_ACT_NAT, INT, 0)                                                                         \
    X(PSP_SPE_COD, INT, 0)                                                                         \
    X(BEN_ACS_TOP, INT, 0)                                                                         \
    X(PRS_TYP_MAJ, TEXT, 0)                                                                        \
    X(PRS_PPU_SEC, INT, 0)

#define SYNTH_PHA_FIELDS(X)                                                                        \
    SYNTH_KEY_FIELDS(X)                                                                            \
    X(ORG_CLE_NEW, TEXT, 0)                                                                        \
    X(PHA_ACT_PRU, DECIMAL5, 0)                                                                    \
    X(PHA_ACT_QSN, INT, 0)                                                                         \
    X(PHA_DEC_PRU, DECIMAL2, 0)                                                                    \
    X(PHA_DEC_QSU, INT, 0)                                                                         \
    X(PHA_DEC_TOP, TEXT, 0)                                                                        \
    X(PHA_MOD_PRN, TEXT, 0)                                                                        \
    X(PHA_ORD_NUM, INT, 0)                                                                         \
    X(PHA_PRS_C13, INT, 0)                                                                         \
    X(PHA_PRS_IDE, INT, 0)                                                                         \
    X(PHA_SEQ_RNV, INT, 0)                                                                         \
    X(PHA_SUB_MTF, INT, 0)

#define SYNTH_CAM_FIELDS(X)                                                                        \
    SYNTH_KEY_FIELDS(X)                                                                            \
    X(ORG_CLE_NEW, TEXT, 0)                                                                        \
    X(CAM_ACT_COD, INT, 0)                                                                         \
    X(CAM_ACT_PRU, DECIMAL2, 0)                                                                    \
    X(CAM_ASS_COD, TEXT, 0)                                                                        \
    X(CAM_DOC_EXT, TEXT, 0)                                                                        \
    X(CAM_MOD_COD, TEXT, 0)                                                                        \
    X(CAM_ORD_NUM, INT, 0)                                                                         \
    X(CAM_PRS_IDE, TEXT, 0)                                                                        \
    X(CAM_REM_BSE, DECIMAL2, 0)                                                                    \
    X(CAM_TRT_PHA, INT, 0)                                                                         \
    X(CAM_GRI_TAR, PADDED, 2)

#define SYNTH_BIO_FIELDS(X)                                                                        \
    SYNTH_KEY_FIELDS(X)                                                                            \
    X(ORG_CLE_NEW, TEXT, 0)                                                                        \
    X(BIO_ACT_QSN, INT, 0)                                                                         \
    X(BIO_ORD_NUM, INT, 0)                                                                         \
    X(BIO_PRS_IDE, INT, 0)

#define SYNTH_ETE_FIELDS(X)                                                                        \
    SYNTH_KEY_FIELDS(X)                                                                            \
    X(ORG_CLE_NEW, TEXT, 0)                                                                        \
    X(DDP_COD, INT, 0)                                                                             \
    X(ETB_EXE_FIN, PADDED, 8)                                                                      \
    X(ETE_CAT_COD, INT, 0)                                                                         \
    X(ETE_GHS_NUM, INT, 0)                                                                         \
    X(ETE_IND_TAA, INT, 0)                                                                         \
    X(ETE_MCO_DDP, TEXT, 0)                                                                        \
    X(ETE_NAT_FSJ, TEXT, 0)                                                                        \
    X(ETE_STJ_COD, INT, 0)                                                                         \
    X(ETE_TYP_COD, INT, 0)                                                                         \
    X(MDT_COD, INT, 0)                                                                             \
    X(MFT_COD, INT, 0)                                                                             \
    X(PRS_PPU_SEC, INT, 0)

#define SYNTH_BEN_FIELDS(X)                                                                        \
    X(BEN_NIR_PSA, TEXT, 0)                                                                        \
    X(BEN_RNG_GEM, INT, 0)                                                                         \
    X(BEN_NIR_ANO, TEXT, 0)                                                                        \
    X(BEN_IDT_ANO, TEXT, 0)                                                                        \
    X(ASS_NIR_ANO, TEXT, 0)                                                                        \
    X(BEN_IDT_TOP, INT, 0)                                                                         \
    X(BEN_CDI_NIR, TEXT, 0)                                                                        \
    X(BEN_NAI_ANN, INT, 0)                                                                         \
    X(BEN_NAI_MOI, PADDED, 2)                                                                      \
    X(BEN_SEX_COD, INT, 0)                                                                         \
    X(BEN_DCD_DTE, DAY, 0)                                                                         \
    X(BEN_DCD_AME, MONTH, 0)                                                                       \
    X(ORG_AFF_BEN, TEXT, 0)                                                                        \
    X(BEN_RES_DPT, TEXT, 0)                                                                        \
    X(BEN_RES_COM, PADDED, 3)                                                                      \
    X(BEN_TOP_CNS, INT, 0)                                                                         \
    X(MAX_TRT_DTD, DAY, 0)                                                                         \
    X(BEN_DTE_INS, DAY, 0)                                                                         \
    X(BEN_DTE_MAJ, DAY, 0)

#define SYNTH_IMB_FIELDS(X)                                                                        \
    X(BEN_NIR_PSA, TEXT, 0)                                                                        \
    X(BEN_RNG_GEM, INT, 0)                                                                         \
    X(IMB_ALD_DTD, DAY, 0)                                                                         \
    X(IMB_ALD_DTF, DAY, 0)                                                                         \
    X(IMB_ALD_NUM, INT, 0)                                                                         \
    X(IMB_ETM_NAT, INT, 0)                                                                         \
    X(INS_DTE, DAY, 0)                                                                             \
    X(MED_MTF_COD, TEXT, 0)                                                                        \
    X(MED_NCL_IDT, TEXT, 0)                                                                        \
    X(UPD_DTE, DAY, 0)

#define SYNTH_STAY_FIELDS(X)                                                                       \
    X(ETA_NUM, TEXT, 0)                                                                            \
    X(RSA_NUM, TEXT, 0)

#define SYNTH_MCO_B_FIELDS(X)                                                                      \
    SYNTH_STAY_FIELDS(X)                                                                           \
    X(AGE_ANN, INT, 0)                                                                             \
    X(AGE_GES, INT, 0)                                                                             \
    X(AGE_JOU, INT, 0)                                                                             \
    X(BDI_COD, TEXT, 0)                                                                            \
    X(BDI_DEP, TEXT, 0)                                                                            \
    X(COD_SEX, INT, 0)                                                                             \
    X(DGN_PAL, TEXT, 0)                                                                            \
    X(DGN_REL, TEXT, 0)                                                                            \
    X(ENT_MOD, INT, 0)                                                                             \
    X(ENT_PRV, TEXT, 0)                                                                            \
    X(GHS_NUM, PADDED, 4)                                                                          \
    X(GRG_GHM, TEXT, 0)                                                                            \
    X(GRG_RET, TEXT, 0)                                                                            \
    X(NBR_ACT, INT, 0)                                                                             \
    X(NBR_DGN, INT, 0)                                                                             \
    X(NBR_RUM, INT, 0)                                                                             \
    X(NBR_SEA, INT, 0)                                                                             \
    X(POI_NAI, INT, 0)                                                                             \
    X(RSS_NUM, TEXT, 0)                                                                            \
    X(SEJ_NBJ, INT, 0)                                                                             \
    X(SEJ_TYP, TEXT, 0)                                                                            \
    X(SOR_ANN, INT, 0)                                                                             \
    X(SOR_DES, TEXT, 0)                                                                            \
    X(SOR_MOD, INT, 0)                                                                             \
    X(SOR_MOI, PADDED, 2)                                                                          \
    X(TYP_GEN_RSA, INT, 0)

#define SYNTH_MCO_C_FIELDS(X)                                                                      \
    SYNTH_STAY_FIELDS(X)                                                                           \
    X(NIR_ANO_17, TEXT, 0)                                                                         \
    X(ENT_DAT, DDMMYYYY, 0)                                                                        \
    X(EXE_SOI_AMD, MONTH, 0)                                                                       \
    X(EXE_SOI_AMF, MONTH, 0)                                                                       \
    X(EXE_SOI_DTD, DAY, 0)                                                                         \
    X(EXE_SOI_DTF, DAY, 0)                                                                         \
    X(NIR_RET, INT, 0)                                                                             \
    X(NAI_RET, INT, 0)                                                                             \
    X(SEX_RET, INT, 0)                                                                             \
    X(SEJ_RET, INT, 0)                                                                             \
    X(FHO_RET, INT, 0)                                                                             \
    X(PMS_RET, INT, 0)                                                                             \
    X(DAT_RET, INT, 0)                                                                             \
    X(COH_NAI_RET, INT, 0)                                                                         \
    X(COH_SEX_RET, INT, 0)                                                                         \
    X(RNG_BEN, TEXT, 0)                                                                            \
    X(RNG_NAI, INT, 0)                                                                             \
    X(SEJ_NUM, PADDED, 5)                                                                          \
    X(SOR_ANN, INT, 0)                                                                             \
    X(SOR_DAT, DDMMYYYY, 0)                                                                        \
    X(SOR_MOI, PADDED, 2)

#define SYNTH_MCO_D_FIELDS(X)                                                                      \
    SYNTH_STAY_FIELDS(X)                                                                           \
    X(ASS_DGN, TEXT, 0)                                                                            \
    X(RSS_NUM, TEXT, 0)

#define SYNTH_MCO_A_FIELDS(X)                                                                      \
    SYNTH_STAY_FIELDS(X)                                                                           \
    X(ACV_ACT, INT, 0)                                                                             \
    X(CDC_ACT, TEXT, 0)                                                                            \
    X(ENT_DAT_DEL, INT, 0)                                                                         \
    X(NBR_EXE_ACT, INT, 0)                                                                         \
    X(PHA_ACT, INT, 0)                                                                             \
    X(RSS_NUM, TEXT, 0)

#define SYNTH_MCO_UM_FIELDS(X)                                                                     \
    SYNTH_STAY_FIELDS(X)                                                                           \
    X(AUT_TYP1_UM, TEXT, 0)                                                                        \
    X(AUT_TYP2_UM, TEXT, 0)                                                                        \
    X(DGN_PAL, TEXT, 0)                                                                            \
    X(DGN_REL, TEXT, 0)                                                                            \
    X(PAR_DUR_SEJ, INT, 0)                                                                         \
    X(RSS_NUM, TEXT, 0)                                                                            \
    X(UM_ORD_NUM, INT, 0)                                                                          \
    X(UM_TYP, TEXT, 0)

#define SYNTH_CCI_FIELDS(X)                                                                        \
    X(DCD_IDT_ENC, TEXT, 0)                                                                        \
    X(BEN_IDT_ANO, TEXT, 0)                                                                        \
    X(BEN_NIR_ANO, TEXT, 0)                                                                        \
    X(DCD_IDT_TOP, INT, 0)                                                                         \
    X(FLX_PER_ANN, INT, 0)                                                                         \
    X(DCD_DPT_COD, TEXT, 0)                                                                        \
    X(BEN_RES_DPT, TEXT, 0)                                                                        \
    X(BEN_DCD_DTE, DAY, 0)                                                                         \
    X(BEN_DCD_AME, MONTH, 0)                                                                       \
    X(DCD_LIE_COD, INT, 0)                                                                         \
    X(BEN_NAI_ANN, INT, 0)                                                                         \
    X(BEN_NAI_MOI, PADDED, 2)                                                                      \
    X(BEN_SEX_COD, INT, 0)                                                                         \
    X(DCD_CIM_COD, TEXT, 0)

#define SYNTH_DRUG_FIELDS(X)                                                                       \
    X(PHA_CIP_C13, INT, 0)                                                                         \
    X(PHA_PRS_IDE, PADDED, 7)                                                                      \
    X(PHA_CIP_UCD, INT, 0)                                                                         \
    X(PHA_MED_NAT, INT, 0)                                                                         \
    X(PHA_MED_NOM, TEXT, 0)                                                                        \
    X(PHA_DTD_ALM, DAY, 0)                                                                         \
    X(PHA_DTF_ALM, DAY, 0)                                                                         \
    X(PHA_PRI_UNI, DECIMAL2, 0)                                                                    \
    X(PHA_NOM_PA, TEXT, 0)                                                                         \
    X(PHA_CND_TOP, TEXT, 0)                                                                        \
    X(PHA_UNT_NBR_DSES, INT, 0)                                                                    \
    X(PHA_ATC_C07, TEXT, 0)                                                                        \
    X(PHA_GRD_CND, TEXT, 0)                                                                        \
    X(PHA_ATC_CLA, TEXT, 0)                                                                        \
    X(PHA_ATC_LIB, TEXT, 0)                                                                        \
    X(PHA_SUB_DOS, TEXT, 0)                                                                        \
    X(PHA_UPC_NBR, INT, 0)

#define SYNTH_PRS_NAME(name, kind, width)    PRS_##name,
#define SYNTH_PHA_NAME(name, kind, width)    PHA_##name,
#define SYNTH_CAM_NAME(name, kind, width)    CAM_##name,
#define SYNTH_BIO_NAME(name, kind, width)    BIO_##name,
#define SYNTH_ETE_NAME(name, kind, width)    ETE_##name,
#define SYNTH_BEN_NAME(name, kind, width)    BEN_##name,
#define SYNTH_IMB_NAME(name, kind, width)    IMB_##name,
#define SYNTH_MCO_B_NAME(name, kind, width)  B_##name,
#define SYNTH_MCO_C_NAME(name, kind, width)  C_##name,
#define SYNTH_MCO_D_NAME(name, kind, width)  D_##name,
#define SYNTH_MCO_A_NAME(name, kind, width)  A_##name,
#define SYNTH_MCO_UM_NAME(name, kind, width) UM_##name,
#define SYNTH_CCI_NAME(name, kind, width)    CCI_##name,

#define SYNTH_DRUG_NAME(name, kind, width) DRUG_##name,

enum { SYNTH_PRS_FIELDS(SYNTH_PRS_NAME) PRS_FIELD_COUNT };
enum { SYNTH_PHA_FIELDS(SYNTH_PHA_NAME) PHA_FIELD_COUNT };
enum { SYNTH_CAM_FIELDS(SYNTH_CAM_NAME) CAM_FIELD_COUNT };
enum { SYNTH_BIO_FIELDS(SYNTH_BIO_NAME) BIO_FIELD_COUNT };
enum { SYNTH_ETE_FIELDS(SYNTH_ETE_NAME) ETE_FIELD_COUNT };
enum { SYNTH_BEN_FIELDS(SYNTH_BEN_NAME) BEN_FIELD_COUNT };
enum { SYNTH_IMB_FIELDS(SYNTH_IMB_NAME) IMB_FIELD_COUNT };
enum { SYNTH_MCO_B_FIELDS(SYNTH_MCO_B_NAME) B_FIELD_COUNT };
enum { SYNTH_MCO_C_FIELDS(SYNTH_MCO_C_NAME) C_FIELD_COUNT };
enum { SYNTH_MCO_D_FIELDS(SYNTH_MCO_D_NAME) D_FIELD_COUNT };
enum { SYNTH_MCO_A_FIELDS(SYNTH_MCO_A_NAME) A_FIELD_COUNT };
enum { SYNTH_MCO_UM_FIELDS(SYNTH_MCO_UM_NAME) UM_FIELD_COUNT };
enum { SYNTH_CCI_FIELDS(SYNTH_CCI_NAME) CCI_FIELD_COUNT };
enum { SYNTH_DRUG_FIELDS(SYNTH_DRUG_NAME) DRUG_FIELD_COUNT };

#endif
