/** @file partition/synth/detail.h
 *  What the files share that make tables beyond the core: the values of the detail row.
 */
#ifndef PC_SYNTH_DETAIL_H
#define PC_SYNTH_DETAIL_H
#include "care.h"

/** A stay, a visit or a part of one, as the values of the detail row show it. */
typedef struct synth_episode {
    int32_t from, to;
    int year;           // of its file
    const char *number; // within hospital and year; borrowed
    const char *main, *related, *group;
    int entry, exit;
} synth_episode;

/** A value of the detail row, by its name in values.h. */
#define VALUE_OF(synth, name) ((synth)->detail.cell[V_##name])

/** Sets the hospital: `serial` tells those of a department apart. */
void synth_detail_hospital(pc_synth *synth, int serial);
/** Sets the values of an episode: days, age, codes, pseudonym with its return codes. */
void synth_detail_episode(pc_synth *synth, const synth_episode *episode);
/** Sets the pair (pseudonym, rank) of the person. */
void synth_detail_pair(pc_synth *synth, int pair);
/** Sets the values that are a single row's own: a day of the episode, codes, amounts. */
void synth_detail_line(pc_synth *synth, int order);
/** Writes the rows of all tables that are due. */
pc_status synth_detail_due(pc_synth *synth, synth_due due, int year_index,
                           pc_error *err) PC_MUST_CHECK;
/** `width` characters of digits and capital letters: a number in base 36. */
void synth_base36(uint64_t value, int width, char *out);

/** What hangs on a claim beyond the core: devices, transport, hospital drugs, the share of another
 *  insurer, batches; and its statement. */
pc_status synth_affined_write(pc_synth *synth, visit *at, const claim *line, int sign,
                              pc_error *err) PC_MUST_CHECK;
/** An outpatient visit to a public hospital. */
pc_status synth_visit_write(pc_synth *synth, int32_t day, pc_error *err) PC_MUST_CHECK;
/** The bill, drugs and devices of a stay in MCO. `is_private`: a clinic. */
pc_status synth_stay_write(pc_synth *synth, const synth_episode *stay, const char *hospital,
                           bool is_private, pc_error *err) PC_MUST_CHECK;
/** The causes on a certificate, after its row of KI_CCI_R. */
pc_status synth_causes_write(pc_synth *synth, pc_error *err) PC_MUST_CHECK;

#endif
