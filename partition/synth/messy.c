/** Defects planted in messy deliveries (traps T07, T10, T15, T30, T44, T56, T57, T59; others stand
 *  where their rows are made):
 * one damaged cell or a repeated row. Lines that speak for diabetes are never touched, so that the
 * truth does not depend on how a defect is read. */
#include <stdio.h>
#include <string.h>
#include "care.h"

enum {
    CLAIM_PPM = 2000, // claims with a planted defect
    DRUG_PPM = 1000   // drug lines
};

bool synth_mess(pc_synth *synth, uint32_t per_million)
{
    return synth->options.messy && synth_chance(&synth->mess, per_million);
}

void synth_odd(synth_row *row, int field, const char *text)
{
    row->odd.field = field;
    snprintf(row->odd.text, sizeof row->odd.text, "%s", text);
}

// T30: the day in another form.
static void odd_date(pc_synth *synth, synth_row *row)
{
    static const char *const name[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                       "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
    int year, month, day;
    char text[32];
    pc_day_split((int32_t)row->cell[PRS_EXE_SOI_DTD].number, &year, &month, &day);
    const uint32_t form = synth_below(&synth->mess, 3);
    if (form == 0) {
        snprintf(text, sizeof text, "%02d/%02d/%04d", day, month, year);
    } else {
        snprintf(text, sizeof text, "%02d%s%04d%s", day, name[month - 1], year,
                 form == 1 ? "" : ":00:00:00");
    }
    synth_odd(row, PRS_EXE_SOI_DTD, text);
    synth_count_defect(synth, 30);
}

// T57: a decimal comma.
static void odd_amount(pc_synth *synth, synth_row *row)
{
    char text[32];
    const long long cents = row->cell[PRS_PRS_PAI_MNT].number;
    const long long size = cents < 0 ? -cents : cents;
    snprintf(text, sizeof text, "%s%lld,%02lld", cents < 0 ? "-" : "", size / 100, size % 100);
    synth_odd(row, PRS_PRS_PAI_MNT, text);
    synth_count_defect(synth, 57);
}

int synth_mess_claim(pc_synth *synth, synth_row *row, const claim *line)
{
    if (!synth_chance(&synth->mess, CLAIM_PPM)) return 0;
    static const char *const blank[] = {" ", "NULL", "NA"};
    char text[32];
    switch (synth_below(&synth->mess, 7)) {
        case 0:
            odd_date(synth, row);
            return 0;
        case 1:
            odd_amount(synth, row);
            return 0;
        case 2: // a text that may mean nothing
            synth_odd(row, PRS_BEN_RES_DPT, blank[synth_below(&synth->mess, 3)]);
            synth_count_defect(synth, 56);
            return 0;
        case 3: // T10: blanks behind the pseudonym
            snprintf(text, sizeof text, "%s  ", row->cell[PRS_BEN_NIR_PSA].text);
            synth_odd(row, PRS_BEN_NIR_PSA, text);
            synth_count_defect(synth, 10);
            return 0;
        case 4: // T07: an anonymous line
            if (line->child_kind != CHILD_NONE) return 0;
            synth_odd(row, PRS_BEN_CDI_NIR, "06");
            synth_count_defect(synth, 7);
            return 0;
        case 5: // T15: its children come without it
            if (line->child_kind == CHILD_NONE) return 0;
            synth_count_defect(synth, 15);
            return -1;
        default: // T59: the same row again
            synth_count_defect(synth, 59);
            return 1;
    }
}

void synth_mess_drug(pc_synth *synth, synth_row *row)
{
    if (!synth_mess(synth, DRUG_PPM)) return;
    const int64_t code = row->cell[PHA_PHA_PRS_C13].number;
    if (code == SYNTH_NULL || code == 0) return;
    char text[32];
    if (synth_chance(&synth->mess, 500000)) {
        snprintf(text, sizeof text, "%lld.0", (long long)code);
    } else {
        snprintf(text, sizeof text, "%lld.%05lldE+12", (long long)(code / 1000000000000),
                 (long long)(code / 10000000 % 100000));
    }
    synth_odd(row, PHA_PHA_PRS_C13, text);
    synth_count_defect(synth, 44);
}
