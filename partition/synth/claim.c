/** Lines of care: how a line of ER_PRS_F, its drugs, acts and tests and its hospital row become
 * rows, in which statement and flow month, and how they are cancelled later. */
#include <string.h>
#include "detail.h"

enum {
    CANCEL_PPM = 12000,    // lines that are cancelled later
    CORRECT_PPM = 500000,  // ... and then written again with another amount (T18)
    EMPTY_DPN_PPM = 3000,  // DPN_QLF empty (T23)
    NO_CIP13_PPM = 10000,  // drug lines with the 7-digit code only (T43)
    SPLIT_PACK_PPM = 3000, // T48
    STRANGER_PPM = 150,    // T05
    DOUBLE_KEY_PPM = 1000, // a second line that differs by REM_TYP_AFF only (T11)
    ONLY_CANCEL_PPM = 300, // messy: a cancellation alone (T20)
    STATEMENTS = 99,       // of a person in a flow month; later visits share the last one
    BLOCK = 10000000       // patients whose statement numbers are told apart by DCT_ORD_NUM
};

static bool place_in_flow(pc_synth *synth, int month, visit *v)
{
    if (month >= synth->month_count) return false;
    const int32_t count = synth->statement[month]++;
    const int32_t statement = count < STATEMENTS ? count : STATEMENTS;
    v->month = month;
    v->line = count < STATEMENTS ? 0 : (count - STATEMENTS) * VISIT_LINES;
    const int64_t person = synth->person.index % BLOCK;
    v->statement =
        synth_shuffle9((uint32_t)(person * (STATEMENTS + 1) + statement), (uint32_t)month);
    return true;
}

// A statement is new, but for the last one of a flow month, which later visits share: it is new
// once on each day of processing.
static void mark_statement(pc_synth *synth, visit *v)
{
    v->fresh = true;
    if (synth->statement[v->month] <= STATEMENTS) return;
    const uint32_t day = UINT32_C(1) << (v->treated - synth->month_first[v->month - 1]);
    v->fresh = (synth->late_days[v->month] & day) == 0;
    synth->late_days[v->month] |= day;
}

static int delay_of(const synth_world *world, synth_random *random)
{
    int64_t draw = synth_below(random, 10000);
    for (int months = 1; months < 28; months++) {
        draw -= world->delay[months];
        if (draw < 0) return months;
    }
    return 1; // what rounding leaves over
}

bool synth_visit_open(pc_synth *synth, synth_random *random, int32_t day, visit *out)
{
    int year, month, day_of_month;
    pc_day_split(day, &year, &month, &day_of_month);
    const int delay = delay_of(&synth->world, random);
    const int flow = 12 * (year - synth->options.first_year) + month - 1 + delay;
    const uint32_t place = synth_below(random, 27);
    *out = (visit){.day = day, .pair = synth_pair_on(&synth->person, day, random)};
    out->stranger = synth_chance(random, STRANGER_PPM) || synth_mess(synth, STRANGER_PPM);
    if (flow < 1 || !place_in_flow(synth, flow, out)) return false;
    const int32_t from = delay == 1 ? day : synth->month_first[flow - 1];
    out->treated = from + (int32_t)place % (synth->month_first[flow] - from);
    mark_statement(synth, out);
    return true;
}

bool synth_visit_later(pc_synth *synth, synth_random *random, const visit *of, visit *out)
{
    const int flow = of->month + synth_between(random, 1, 3);
    *out = *of;
    if (!place_in_flow(synth, flow, out)) return false;
    out->treated = synth->month_first[flow - 1] + synth_between(random, 0, 27);
    mark_statement(synth, out);
    return true;
}

claim synth_claim(const synth_person *person, int nature, int quantity, int64_t cents, int rate)
{
    return (claim){.nature = nature,
                   .base_nature = nature,
                   .quantity = quantity,
                   .cents = cents,
                   .rate = person->has_ald ? 100 : rate,
                   .exemption = person->has_ald ? 42 : 0,
                   .insurance = 10,
                   .kind_of_payment = 0,
                   .dpn = 0,
                   .dpn_asked = 0,
                   .complement_code = 0,
                   .executor = person->doctor,
                   .prescriber = person->doctor,
                   .speciality = 1,
                   .asker_speciality = 1,
                   .activity = 0};
}

void synth_claim_person(pc_synth *synth)
{
    const synth_person *p = &synth->person;
    synth_cell *cell = synth->row[SYNTH_PRS].cell;
    const int32_t nothing = pc_day_of(1600, 1, 1);
    cell[PRS_FLX_EMT_NUM].number = p->emitter;
    cell[PRS_FLX_EMT_TYP].number = p->scheme;
    cell[PRS_FLX_EMT_ORD].number = 1 + p->index / BLOCK;
    cell[PRS_ORG_CLE_NUM].text = p->office;
    cell[PRS_ORG_CLE_NEW].text = p->office;
    cell[PRS_ORG_AFF_BEN].text = p->office;
    cell[PRS_BEN_CDI_NIR].text = p->provisional;
    cell[PRS_BEN_CMU_TOP].number = p->poor;
    cell[PRS_BEN_DCD_AME].number = nothing;
    cell[PRS_BEN_DCD_DTE].number = nothing;
    cell[PRS_BEN_NAI_ANN].number = p->birth_year;
    cell[PRS_BEN_RES_COM].number = p->town;
    cell[PRS_BEN_RES_DPT].text = synth_place_code(p->place);
    cell[PRS_BEN_SEX_COD].number = p->sex == 0 ? 2 : 1;
    cell[PRS_BSE_REM_SGN].number = 0;
    cell[PRS_CPL_REM_MNT].number = 0;
    cell[PRS_PRS_ACT_COG].number = 100;
    cell[PRS_PRS_ACT_CFT].number = 100;
    cell[PRS_PRS_DEP_MNT].number = 0;
    cell[PRS_RGM_COD].number = p->regime;
    cell[PRS_RGM_GRG_COD].number = p->scheme;
    cell[PRS_EXE_LIE_COD].number = 1;
    cell[PRS_RGO_ENV_TYP].number = 1;
    cell[PRS_PRS_MTT_NUM].number = p->doctor;
    cell[PRS_PSE_STJ_COD].number = 1;
    cell[PRS_BEN_ACS_TOP].number = 0;
    cell[PRS_PRS_TYP_MAJ].text = NULL;
    cell[PRS_PRS_PPU_SEC].number = 2;
}

static int64_t age_code(const synth_person *p, int32_t day)
{
    const int age = pc_age_on(p->birth_day, day);
    if (age >= 2) return age;
    const int months =
        (day - p->birth_day) / 31; // below two years the SNDS counts months from 1000
    return 1000 + (months < 0 ? 0 : months);
}

static void fill_visit(pc_synth *synth, const visit *at, synth_cell *cell)
{
    const synth_person *p = &synth->person;
    cell[PRS_DCT_ORD_NUM].number = at->statement;
    cell[PRS_FLX_DIS_DTD].number = synth->month_first[at->month];
    cell[PRS_FLX_TRT_DTD].number = at->treated;
    cell[PRS_PRS_ORD_NUM].number = at->line;
    cell[PRS_BEN_NIR_PSA].text = at->stranger ? p->lost_psa : p->psa[at->pair];
    cell[PRS_BEN_RNG_GEM].number = at->stranger ? 1 : p->rank[at->pair];
    cell[PRS_BEN_AMA_COD].number = age_code(p, at->day);
    cell[PRS_EXE_SOI_AMD].number = at->day;
    cell[PRS_EXE_SOI_AMF].number = at->day;
    cell[PRS_EXE_SOI_DTD].number = at->day;
    cell[PRS_EXE_SOI_DTF].number = at->day;
}

static void fill_line(const claim *line, int sign, synth_cell *cell)
{
    const int64_t cents = sign * line->cents;
    cell[PRS_REM_TYP_AFF].number = line->kind_of_payment;
    cell[PRS_PRE_PRE_AMD].number = line->prescribed;
    cell[PRS_PRE_PRE_DTD].number = line->prescribed;
    cell[PRS_BSE_REM_BSE].number = cents;
    cell[PRS_BSE_REM_MNT].number = cents * line->rate / 100;
    cell[PRS_BSE_REM_PRU].number = line->cents * 1000 / (line->quantity > 0 ? line->quantity : 1);
    cell[PRS_PRS_ACT_NBR].number = sign;
    cell[PRS_PRS_ACT_QTE].number = sign * line->quantity;
    cell[PRS_PRS_PAI_MNT].number = cents;
    cell[PRS_BSE_PRS_NAT].number = line->base_nature;
    cell[PRS_CPL_AFF_COD].number = line->complement_code;
    cell[PRS_CPL_MAJ_TOP].number = line->surcharge;
    cell[PRS_CPL_PRS_NAT].number = line->complement;
    cell[PRS_DPN_QLF].number = line->dpn;
    cell[PRS_PRS_DPN_QLP].number = line->dpn_asked;
    cell[PRS_EXO_MTF].number = line->exemption;
    cell[PRS_PRS_NAT_REF].number = line->nature;
    cell[PRS_RGO_ASU_NAT].number = line->insurance;
    cell[PRS_RGO_REM_TAU].number = line->rate * 100;
    cell[PRS_PFS_EXE_NUM].number = line->executor;
    cell[PRS_PFS_PRE_NUM].number = line->prescriber;
    cell[PRS_PSE_ACT_NAT].number = line->profession;
    cell[PRS_PSE_SPE_COD].number = line->speciality;
    cell[PRS_PSP_ACT_NAT].number = 0;
    cell[PRS_PSP_SPE_COD].number = line->asker_speciality;
}

// The key and the office are the first fields of all ER_ tables, in one order.
static synth_row *child_row(pc_synth *synth, synth_table table)
{
    synth_row *row = &synth->row[table];
    memcpy(row->cell, synth->row[SYNTH_PRS].cell, (PRS_REM_TYP_AFF + 1) * sizeof row->cell[0]);
    row->cell[PRS_REM_TYP_AFF + 1].text = synth->person.office;
    return row;
}

static bool counts_for_rule(const claim *line)
{
    return line->dpn != 71 && line->dpn != 72 && line->dpn_asked != 71 && line->dpn_asked != 72 &&
           !(line->with_hospital && line->activity == 1) && line->surcharge < 2 &&
           line->base_nature != 0;
}

static void fill_drug(pc_synth *synth, const visit *at, const claim *line, int k, int sign,
                      synth_row *row)
{
    const synth_drug *drug = &synth->world.drug[line->child[k].drug];
    // which lines lack the 13-digit code must be the same when a line is cancelled
    const uint32_t salt = (uint32_t)line->child[k].drug * 2654435761u + (uint32_t)at->day * 40503u;
    const bool bare = salt % 1000000 < NO_CIP13_PPM && !line->evidence;
    const bool split = (salt >> 5) % 1000000 < SPLIT_PACK_PPM && !line->evidence;
    row->cell[PHA_PHA_ACT_PRU].number = (int64_t)drug->cents * 1000;
    row->cell[PHA_PHA_ACT_QSN].number = sign * line->child[k].quantity;
    row->cell[PHA_PHA_DEC_PRU].number = split ? drug->cents / 20 : 0;
    row->cell[PHA_PHA_DEC_QSU].number = split ? 20 : 0;
    row->cell[PHA_PHA_DEC_TOP].text = split ? "D" : "Z";
    row->cell[PHA_PHA_MOD_PRN].text = "0";
    row->cell[PHA_PHA_ORD_NUM].number = k + 1;
    row->cell[PHA_PHA_PRS_C13].number = bare ? salt % 2 == 0 ? SYNTH_NULL : 0 : drug->cip13;
    row->cell[PHA_PHA_PRS_IDE].number = drug->cip7;
    row->cell[PHA_PHA_SEQ_RNV].number = 0;
    row->cell[PHA_PHA_SUB_MTF].number = 0;
    if (bare) synth_count_defect(synth, 43);
    if (split) synth_count_defect(synth, 48);
}

static pc_status write_child(pc_synth *synth, const visit *at, const claim *line, int k, int sign,
                             pc_error *err)
{
    const int year = at->month / 12, month = at->month % 12;
    if (line->child_kind == CHILD_DRUG) {
        synth_row *row = child_row(synth, SYNTH_PHA);
        fill_drug(synth, at, line, k, sign, row);
        if (!line->evidence && line->child_count < 3) synth_mess_drug(synth, row);
        PC_TRY(synth_emit(synth, SYNTH_PHA, year, month, err));
        const synth_delivery delivery = {.day = at->day,
                                         .drug = line->child[k].drug,
                                         .quantity = sign * line->child[k].quantity,
                                         .prescriber = line->prescriber};
        if (!line->evidence || at->stranger || !counts_for_rule(line)) return PC_OK;
        return synth_truth_delivery(synth, &delivery, err);
    }
    if (line->child_kind == CHILD_ACT) {
        synth_row *row = child_row(synth, SYNTH_CAM);
        row->cell[CAM_CAM_ACT_COD].number = 1;
        row->cell[CAM_CAM_ACT_PRU].number = line->cents / line->child_count;
        row->cell[CAM_CAM_ASS_COD].text = k == 0 ? NULL : "2";
        row->cell[CAM_CAM_DOC_EXT].text = NULL;
        row->cell[CAM_CAM_MOD_COD].text = NULL;
        row->cell[CAM_CAM_ORD_NUM].number = k + 1;
        row->cell[CAM_CAM_PRS_IDE].text = line->child[k].act;
        row->cell[CAM_CAM_REM_BSE].number = line->cents / line->child_count;
        row->cell[CAM_CAM_TRT_PHA].number = 0;
        row->cell[CAM_CAM_GRI_TAR].number = 1;
        return synth_emit(synth, SYNTH_CAM, year, month, err);
    }
    synth_row *row = child_row(synth, SYNTH_BIO);
    row->cell[BIO_BIO_ACT_QSN].number = sign * line->child[k].quantity;
    row->cell[BIO_BIO_ORD_NUM].number = k + 1;
    row->cell[BIO_BIO_PRS_IDE].number = line->child[k].test;
    return synth_emit(synth, SYNTH_BIO, year, month, err);
}

static pc_status write_hospital(pc_synth *synth, const visit *at, const claim *line, pc_error *err)
{
    synth_row *row = child_row(synth, SYNTH_ETE);
    row->cell[ETE_DDP_COD].number = 0;
    row->cell[ETE_ETB_EXE_FIN].number = (synth->person.place + 1) * 100000 + 7 + at->day % 5;
    row->cell[ETE_ETE_CAT_COD].number = line->ghs > 0 ? 365 : 355;
    row->cell[ETE_ETE_GHS_NUM].number = line->ghs;
    row->cell[ETE_ETE_IND_TAA].number = line->activity;
    row->cell[ETE_ETE_MCO_DDP].text = line->ghs > 0 ? "M" : "Z";
    row->cell[ETE_ETE_NAT_FSJ].text = "Z";
    row->cell[ETE_ETE_STJ_COD].number = 1;
    row->cell[ETE_ETE_TYP_COD].number = line->ghs > 0 ? 4 : 2;
    row->cell[ETE_MDT_COD].number = 3;
    row->cell[ETE_MFT_COD].number = 7;
    row->cell[ETE_PRS_PPU_SEC].number = line->ghs > 0 ? 2 : 1;
    if (line->activity == SYNTH_NULL) synth_count_defect(synth, 14);
    return synth_emit(synth, SYNTH_ETE, at->month / 12, at->month % 12, err);
}

// What the line is a case of, once it is sure to be in the files.
static void count_line(pc_synth *synth, const visit *at, const claim *line, damage done)
{
    const synth_person *p = &synth->person;
    const bool resolved = !at->stranger && done != DAMAGE_NOBODY && done != DAMAGE_RANKLESS;
    int year, month, day;
    pc_day_split(at->day, &year, &month, &day);
    const int january = 12 * (year + 1 - synth->options.first_year);
    if (month == 12 && at->month > january) synth_count_defect(synth, 25);
    if (at->month % 12 == 0) synth_count_defect(synth, 26);
    if (at->stranger && done != DAMAGE_NOBODY && done != DAMAGE_RANKLESS) {
        synth_count_defect(synth, 5);
    }
    if (resolved && at->day > p->recorded_death) synth_count_defect(synth, 32);
    if (line->child_kind == CHILD_DRUG && line->child_count >= 3) synth_count_defect(synth, 12);
    if (!line->with_hospital) synth_count_defect(synth, 13);
    if (line->dpn == 71) synth_count_defect(synth, 21);
    if (line->dpn == 0 && line->dpn_asked == 71 && line->complement_code == 16) {
        synth_count_defect(synth, 22);
    }
    if (line->dpn == SYNTH_NULL) synth_count_defect(synth, 23);
    if (line->surcharge == 2) synth_count_defect(synth, 24);
}

pc_status synth_claim_write(pc_synth *synth, visit *at, const claim *line, int sign, pc_error *err)
{
    synth_row *row = &synth->row[SYNTH_PRS];
    at->line++;
    fill_visit(synth, at, row->cell);
    fill_line(line, sign, row->cell);
    const bool may_be_damaged = synth->options.messy && !line->evidence && sign > 0;
    const damage done = may_be_damaged ? synth_mess_claim(synth, row, line) : DAMAGE_NONE;
    const int copies = done == DAMAGE_LOST ? 0 : done == DAMAGE_TWICE ? 2 : 1;
    at->lost = copies == 0;
    if (!at->lost) count_line(synth, at, line, done);
    const synth_override odd = row->odd;
    const uint32_t salt = row->salt;
    for (int copy = 0; copy < copies; copy++) {
        row->odd = odd;
        row->salt = salt; // a copy is the same in all columns
        PC_TRY(synth_emit(synth, SYNTH_PRS, at->month / 12, at->month % 12, err));
    }
    for (int k = 0; k < line->child_count; k++) {
        PC_TRY(write_child(synth, at, line, k, sign, err));
    }
    if (line->with_hospital) PC_TRY(write_hospital(synth, at, line, err));
    if (!synth->options.all_columns) return PC_OK;
    PC_TRY(synth_affined_write(synth, at, line, sign, err));
    // care of a public hospital that the claims show for information is a visit in its own files
    const bool outpatient = line->with_hospital && line->activity == 1 && sign > 0;
    return outpatient ? synth_visit_write(synth, at->day, err) : PC_OK;
}

pc_status synth_claim_emit(pc_synth *synth, synth_random *random, visit *at, const claim *line,
                           pc_error *err)
{
    claim copy = *line;
    if (synth_chance(random, EMPTY_DPN_PPM)) copy.dpn = SYNTH_NULL;
    if (!line->evidence && synth_mess(synth, ONLY_CANCEL_PPM)) { // its +1 is before the first file
        synth_count_defect(synth, 20);
        copy.cents += 3; // of no other line of that day
        return synth_claim_write(synth, at, &copy, -1, err);
    }
    PC_TRY(synth_claim_write(synth, at, &copy, 1, err));
    if (at->lost) return PC_OK; // and never cancelled
    if (line->child_kind == CHILD_NONE && synth_chance(random, DOUBLE_KEY_PPM)) {
        claim other = copy; // the same key but for the kind of payment
        other.kind_of_payment = 3;
        other.with_hospital = false;
        at->line--;
        synth_count_defect(synth, 11);
        PC_TRY(synth_claim_write(synth, at, &other, 1, err));
    }
    if (!synth_chance(random, CANCEL_PPM)) return PC_OK;
    visit later;
    if (!synth_visit_later(synth, random, at, &later)) return PC_OK;
    PC_TRY(synth_claim_write(synth, &later, &copy, -1, err));
    if (!synth_chance(random, CORRECT_PPM)) {
        synth_count_defect(synth, 19);
        return PC_OK;
    }
    copy.cents -= copy.cents / 5;
    synth_count_defect(synth, 18);
    return synth_claim_write(synth, &later, &copy, 1, err);
}
