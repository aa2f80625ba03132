/** What hangs on a claim beyond the core tables: its statement, devices, transport, hospital drugs,
 *  the share of another insurer, batches of drugs. A cancellation carries the same rows with the
 *  sign turned. */
#include <stdio.h>
#include <string.h>
#include "detail.h"

enum {
    ODD_PERMILLE = 2,         // lines with an anomaly, and with an entry of accounts
    RETROCESSION_PERCENT = 6, // of hospital lines: a drug handed out by the hospital
    CLINIC_DRUG_PERCENT = 40, // of clinic stays: drugs paid in addition
    OLD_CODE_PERCENT = 10     // of hospital drugs: the old code of 7 digits
};

// The same draw for a line and its cancellation.
static uint32_t line_draw(const pc_synth *synth, const visit *at, const claim *line, uint32_t kind)
{
    uint32_t h = (uint32_t)synth->person.index * 2654435761u ^ (uint32_t)at->day * 40503u;
    h = (h ^ (uint32_t)line->nature * 2246822519u ^ kind * 3266489917u) * 668265263u;
    h ^= h >> 15;
    h = h * 2654435761u;
    return h ^ h >> 13;
}

static void set_key(pc_synth *synth, const visit *at, const claim *line, int sign)
{
    synth_cell *cell = synth->detail.cell;
    memcpy(cell, synth->row[SYNTH_PRS].cell, (V_REM_TYP_AFF + 1) * sizeof cell[0]);
    VALUE_OF(synth, FROM).number = VALUE_OF(synth, TO).number = at->day;
    VALUE_OF(synth, DAY).number = at->day;
    VALUE_OF(synth, DELAY).number = 0;
    VALUE_OF(synth, ORDER).number = 1;
    VALUE_OF(synth, QUANTITY).number = sign;
    VALUE_OF(synth, CENTS).number = sign * line->cents;
    VALUE_OF(synth, PART).number = sign * line->cents * (100 - line->rate) / 100;
}

// A device and a hospital drug at random, then what is the line's own again.
static void set_code(pc_synth *synth, const visit *at, const claim *line, int sign)
{
    synth_detail_line(synth, 1);
    set_key(synth, at, line, sign);
}

_Static_assert((int)PRS_REM_TYP_AFF == (int)V_REM_TYP_AFF, "the key stands first in both rows");

static bool is_device(int nature)
{
    return nature == 3515 || nature == 3513 || nature == 3512 || nature == 3531;
}

// The code of a hospital drug: 13 digits, or the older 7, padded with zeros or not (T49).
static void set_drug_code(pc_synth *synth, uint32_t draw)
{
    const synth_codes *old = synth->world.hospital_drug;
    if (draw % 100 >= OLD_CODE_PERCENT) return;
    static const char *const zeros[] = {"", "0", "000000"};
    const uint32_t form = draw / 7 % 3;
    const char *code = old->code[draw / 100 % (uint32_t)old->count];
    snprintf(synth->text.drug, sizeof synth->text.drug, "%s%.7s", zeros[form], code);
    if (form != 0) synth_count_defect(synth, 49);
}

static pc_status write_hospital_drug(pc_synth *synth, const visit *at, const claim *line, int sign,
                                     pc_error *err)
{
    const uint32_t draw = line_draw(synth, at, line, 3);
    const uint32_t percent = line->ghs > 0 ? CLINIC_DRUG_PERCENT : RETROCESSION_PERCENT;
    if (!line->with_hospital || line->nature == 2121 || draw / 1000 % 100 >= percent) return PC_OK;
    set_code(synth, at, line, sign);
    set_drug_code(synth, draw);
    return synth_detail_emit(synth, DETAIL_UCD, at->month / 12, at->month % 12, err);
}

// Batches of vaccines and immunosuppressants.
static pc_status write_batches(pc_synth *synth, const visit *at, const claim *line, pc_error *err)
{
    for (int k = 0; line->child_kind == CHILD_DRUG && k < line->child_count; k++) {
        const char *atc = synth->world.drug[line->child[k].drug].atc;
        if (strncmp(atc, "J07", 3) != 0 && strncmp(atc, "L04", 3) != 0) continue;
        VALUE_OF(synth, PHA_ORDER).number = VALUE_OF(synth, ORDER).number = k + 1;
        PC_TRY(synth_detail_emit(synth, DETAIL_LOT, at->month / 12, at->month % 12, err));
    }
    VALUE_OF(synth, ORDER).number = 1;
    return PC_OK;
}

pc_status synth_affined_write(pc_synth *synth, visit *at, const claim *line, int sign,
                              pc_error *err)
{
    const int year = at->month / 12, month = at->month % 12;
    set_key(synth, at, line, sign);
    if (at->fresh) {
        at->fresh = false;
        PC_TRY(synth_detail_emit(synth, DETAIL_DCT, year, month, err));
    }
    if (is_device(line->nature)) {
        set_code(synth, at, line, sign);
        PC_TRY(synth_detail_emit(synth, DETAIL_TIP, year, month, err));
        VALUE_OF(synth, ORDER).number = 2;
        if (line_draw(synth, at, line, 1) % 100 < 25) {
            PC_TRY(synth_detail_emit(synth, DETAIL_TIP, year, month, err));
        }
        VALUE_OF(synth, ORDER).number = 1;
    }
    if (line->nature == 4213 || line->nature == 4214) {
        PC_TRY(synth_detail_emit(synth, DETAIL_DTR, year, month, err));
        PC_TRY(synth_detail_emit(synth, DETAIL_TRS, year, month, err));
    }
    if (synth->person.poor && line->cents > 0 && line->rate < 100) {
        PC_TRY(synth_detail_emit(synth, DETAIL_ARO, year, month, err));
    }
    if (line->nature == SYNTH_PENSION)
        PC_TRY(synth_detail_emit(synth, DETAIL_INV, year, month, err));
    if (line->nature == SYNTH_ANNUITY)
        PC_TRY(synth_detail_emit(synth, DETAIL_RAT, year, month, err));
    PC_TRY(write_batches(synth, at, line, err));
    PC_TRY(write_hospital_drug(synth, at, line, sign, err));
    if (line_draw(synth, at, line, 2) % 1000 >= ODD_PERMILLE) return PC_OK;
    PC_TRY(synth_detail_emit(synth, DETAIL_ANO, year, month, err));
    return synth_detail_emit(synth, DETAIL_CPT, year, month, err);
}
