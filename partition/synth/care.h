/** @file partition/synth/care.h
 *  A line of care and its children, before it becomes rows.
 */
#ifndef PC_SYNTH_CARE_H
#define PC_SYNTH_CARE_H
#include "synth.h"

enum {
    CLAIM_CHILDREN = 8,
    VISIT_LINES = 50,
    SYNTH_PENSION = 7111, // PRS_NAT_REF of an invalidity pension, of an annuity after an accident
    SYNTH_ANNUITY = 8111
};

typedef enum child_kind { CHILD_NONE, CHILD_DRUG, CHILD_ACT, CHILD_TEST } child_kind;

/** One encounter: its lines stand in one statement of one flow month. */
typedef struct visit {
    int32_t day;
    int month;       // of flow, from January of the first year
    int32_t treated; // day of processing, in the month before
    int pair;        // pseudonym
    int64_t statement;
    int line;      // PRS_ORD_NUM of the last line
    bool stranger; // care under a pair that no referential knows (T05)
    bool fresh;    // the first line of its statement
    bool lost;     // the last line was not written (T15)
} visit;

/** One line of ER_PRS_F with what hangs on it. */
typedef struct claim {
    int nature, base_nature, complement; // PRS_NAT_REF, BSE_PRS_NAT, CPL_PRS_NAT
    int quantity;
    int64_t cents; // paid
    int rate;      // percent reimbursed
    int exemption, surcharge, insurance, kind_of_payment;
    int64_t dpn, dpn_asked, complement_code; // SYNTH_NULL: empty
    int64_t executor, prescriber;
    int speciality, profession, asker_speciality;
    int32_t prescribed;
    bool with_hospital; // has a row in ER_ETE_F
    int64_t activity;   // its ETE_IND_TAA
    int ghs;
    child_kind child_kind;
    int child_count;
    struct {
        int32_t drug, quantity, test;
        const char *act;
    } child[CLAIM_CHILDREN];
    bool evidence; // antidiabetics: never damaged, so that the truth stays plain
} claim;

/** Opens an encounter on `day`. False: its statement arrives after the last file, or never. */
bool synth_visit_open(pc_synth *synth, synth_random *random, int32_t day, visit *out);
/** A later statement for the same care (a cancellation). False: arrives too late. */
bool synth_visit_later(pc_synth *synth, synth_random *random, const visit *of, visit *out);
/** A line with the usual values. */
claim synth_claim(const synth_person *person, int nature, int quantity, int64_t cents, int rate);
/** Writes a line, its children, its hospital row; at times its cancellation. */
pc_status synth_claim_emit(pc_synth *synth, synth_random *random, visit *at, const claim *line,
                           pc_error *err) PC_MUST_CHECK;
/** Writes it once: `sign` -1 cancels. */
pc_status synth_claim_write(pc_synth *synth, visit *at, const claim *line, int sign,
                            pc_error *err) PC_MUST_CHECK;
/** Sets the cells of ER_PRS_F that do not change with the line. */
void synth_claim_person(pc_synth *synth);

/** What a planted defect does to a claim. */
typedef enum damage {
    DAMAGE_NONE,     // nothing, or one cell that is still read
    DAMAGE_NOBODY,   // the line is nobody's (T07)
    DAMAGE_RANKLESS, // its pair is unknown (T09)
    DAMAGE_LOST,     // it is not written (T15)
    DAMAGE_TWICE     // it is written again (T59)
} damage;

/** Damages a claim row before it is written. */
damage synth_mess_claim(pc_synth *synth, synth_row *row, const claim *line);
void synth_mess_drug(pc_synth *synth, synth_row *row);

/** One person in 100,000 has tens of thousands of lines in the last year of a messy delivery (T58).
 */
pc_status synth_heavy_user(pc_synth *synth, pc_error *err) PC_MUST_CHECK;

/** Deliveries of the chronic diseases and of the near misses of a year. */
pc_status synth_chronic_year(pc_synth *synth, synth_random *random, int32_t from, int32_t to,
                             int *lines, pc_error *err) PC_MUST_CHECK;
/** A visit to the pharmacy: `drug[count]`, `boxes` of each. Adds the lines written to `lines`. */
pc_status synth_pharmacy(pc_synth *synth, synth_random *random, int32_t day, const uint16_t *drug,
                         int count, int boxes, int *lines, pc_error *err) PC_MUST_CHECK;
int32_t synth_day_by_season(synth_random *random, int year, const int64_t season[12]);

#endif
