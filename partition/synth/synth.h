/** @file partition/synth/synth.h
 *  What the files of the generator share. README.md of this folder tells the story.
 */
#ifndef PC_SYNTH_PRIVATE_H
#define PC_SYNTH_PRIVATE_H
#include "parcours/synth.h"

// ---- random numbers: Philox4x32-10, a pure function of (seed, patient, stream, counter) ----

typedef enum synth_stream {
    SYNTH_TWINS,        // of a pair of patients
    SYNTH_NAME,         // pseudonyms that do not change
    SYNTH_IDENTITY,     // who a person is
    SYNTH_HEALTH,       // which diseases
    SYNTH_MESS,         // planted defects that concern the person
    SYNTH_YEAR,         // + 2 x year: the care of a year
    SYNTH_EXTRA = 1000, // what stands beyond the core tables
    SYNTH_LOCAL         // the person's numbers in hospitals
} synth_stream;

typedef struct synth_random {
    uint32_t key[2];
    uint32_t counter[4]; // block, stream, patient low, patient high
    uint32_t out[4];
    int used; // words of `out` that were handed out
} synth_random;

void synth_random_start(synth_random *random, uint64_t seed, int64_t patient, uint32_t stream);
uint32_t synth_random_next(synth_random *random);
/** 0 .. bound - 1. */
uint32_t synth_below(synth_random *random, uint32_t bound);
/** low .. high, both included. */
int synth_between(synth_random *random, int low, int high);
/** True `per_million` times in a million. */
bool synth_chance(synth_random *random, uint32_t per_million);
/** A count with mean `mean_1024` / 1024: a binomial of fair coins, exact in integers. */
int synth_count(synth_random *random, int64_t mean_1024);
/** `count` letters and digits and a NUL. */
void synth_letters(synth_random *random, char *out, int count);
/** A permutation of 0 .. 10^9 - 1, another for each key. */
uint32_t synth_shuffle9(uint32_t value, uint32_t key);

// ---- tables and layouts: how a row becomes bytes ----

#define SYNTH_NULL INT64_MIN // an empty field

typedef enum synth_table {
    SYNTH_BEN,
    SYNTH_ARC,
    SYNTH_IMB,
    SYNTH_PRS,
    SYNTH_PHA,
    SYNTH_CAM,
    SYNTH_BIO,
    SYNTH_ETE,
    SYNTH_MCO_B,
    SYNTH_MCO_C,
    SYNTH_MCO_D,
    SYNTH_MCO_A,
    SYNTH_MCO_UM,
    SYNTH_CCI,
    SYNTH_DRUG, // IR_PHA_R: a reference file
    SYNTH_TABLES
} synth_table;

typedef enum synth_kind {
    SYNTH_LITERAL,  // constant bytes
    SYNTH_INT,      // whole number
    SYNTH_PADDED,   // whole number with leading zeros
    SYNTH_DECIMAL2, // cents
    SYNTH_DECIMAL5, // hundred thousandths
    SYNTH_DAY,      // a day as yyyy-mm-dd
    SYNTH_MONTH,    // a day as yyyymm
    SYNTH_DDMMYYYY, // a day as 8 digits, and parts of a day
    SYNTH_MM,
    SYNTH_YYYY,
    SYNTH_MMYYYY,
    SYNTH_YYYYMMDD,
    SYNTH_TEXT,   // a short text
    SYNTH_CHOICE, // one of some constant texts, at random; from here on nobody computes the cell
    SYNTH_RANGE,  // a number at random
    SYNTH_CODE,   // a code of a list, at random
    SYNTH_HAS     // 1 for people with one of some diseases, else 0
} synth_kind;

/** A value of a row: the layout knows which member counts. */
typedef union synth_cell {
    int64_t number;
    const char *text; // borrowed; NULL: empty
} synth_cell;

typedef struct synth_step {
    uint8_t kind;   // synth_kind
    uint8_t width;  // of PADDED and RANGE; choices of CHOICE
    uint16_t field; // decimals of RANGE; list of CODE
    uint32_t from;  // first byte in the layout's constants; lowest of RANGE; low half of HAS
    uint32_t bytes; // of constants; how many numbers of RANGE; high half of HAS
} synth_step;

/** How rows of one file are written. */
typedef struct synth_layout {
    const synth_step *step; // [step_count]
    int step_count;
    const char *constants;
    size_t row_bytes; // the most that a row takes
    pc_span header;
} synth_layout;

/** One cell written otherwise than its kind: a planted defect. */
typedef struct synth_override {
    int field; // -1: none
    char text[32];
} synth_override;

#include "fields.h"
#include "values.h"

enum { SYNTH_MOST_FIELDS = 96, SYNTH_ALL_TABLES = (int)SYNTH_TABLES + (int)SYNTH_DETAILS };

typedef struct synth_row {
    synth_cell cell[SYNTH_MOST_FIELDS];
    synth_override odd;
    uint32_t salt;     // chooses among the choices
    uint64_t diseases; // of the person, one bit each
} synth_row;

/** The columns of tables: texts of columns.csv and details.csv. */
typedef struct synth_columns {
    const char *core, *details; // details: NULL without `all`
    bool all;                   // columns that are not core too
} synth_columns;

// ---- the world: tables read from data files ----

enum { SYNTH_AGES = 100, SYNTH_BANDS = 8, SYNTH_LIST = 10, SYNTH_DRAWS = 4096 };

typedef struct synth_drug {
    uint32_t cip7;
    int64_t cip13;
    char atc[8];
    bool large;
    int32_t cents;
    uint32_t weight;
} synth_drug;

typedef struct synth_class { // packages of an ATC code: they stand together
    uint16_t first;
    int16_t count, small; // of which not large
} synth_class;

typedef struct synth_list { // codes of a cell "A B C"
    const char *code[SYNTH_LIST];
    int count;
} synth_list;

typedef struct synth_disease {
    const char *id;
    int32_t per_10000[2][SYNTH_BANDS]; // [women, men]
    synth_list icd, atc, town_ccam, stay_ccam, nabm;
    int32_t ald, ald_percent, drugs, every_days, stays_per_1000;
    synth_class class[SYNTH_LIST]; // of atc
    const char *ghm;
} synth_disease;

typedef struct synth_motive { // why people without a special disease go to hospital
    const char *icd, *ghm, *ccam, *related;
    int32_t women, men, age_from, age_to, weight, nights;
} synth_motive;

typedef struct synth_nomenclature {
    const char *name, *header;
    const char *rows; // borrowed from the data file
    size_t row_bytes;
    int32_t row_count;
    bool with_labels;
} synth_nomenclature;

typedef struct synth_codes { // of a nomenclature
    const char *name;
    const char **code; // [count]
    int32_t count;
} synth_codes;

enum {
    SYNTH_MOST_DISEASES = 48,
    SYNTH_MOST_MOTIVES = 80,
    SYNTH_MOST_NOMENCLATURES = 48,
    SYNTH_MOST_CODE_LISTS = 8,
    SYNTH_PLACES = 101
};

typedef struct synth_world {
    synth_drug *drug;
    int32_t drug_count;
    synth_disease disease[SYNTH_MOST_DISEASES];
    int32_t disease_count;
    int32_t diabetes, dialysis;        // which of them
    synth_class metformin, benfluorex; // for the near misses
    synth_motive motive[SYNTH_MOST_MOTIVES];
    int32_t motive_count;
    synth_nomenclature nomenclature[SYNTH_MOST_NOMENCLATURES];
    int32_t nomenclature_count;
    const char **town_act; // CCAM codes done in town
    int32_t town_act_count;
    int32_t *test; // NABM codes
    int32_t test_count;
    const char **diagnosis; // ICD-10 codes for associated diagnoses
    int32_t diagnosis_count;
    synth_codes code_list[SYNTH_MOST_CODE_LISTS]; // that details.csv names; with all columns only
    int32_t code_list_count;
    const synth_codes *device, *hospital_drug; // of them: LPP, UCD of 7 digits
    uint16_t drug_draw[3][SYNTH_DRAWS];        // child, adult, old: a drug for each equal share
    uint16_t act_draw[SYNTH_DRAWS], test_draw[SYNTH_DRAWS];
    uint16_t age_draw[2][SYNTH_DRAWS]; // women, men
    uint32_t women_per_million;
    int64_t death_ppm[2][SYNTH_AGES], lines[2][SYNTH_AGES], stays[2][SYNTH_AGES];
    int64_t season_deaths[12], season_visits[12], season_drugs[12], season_stays[12];
    int64_t delay[28];               // per 10,000, by months after care
    int64_t frailty[256];            // quantiles x 1024 of a gamma law of mean 1
    int64_t duplicate_finess[47][4]; // geographic, legal, first year, last year
    uint16_t place_draw[SYNTH_DRAWS];
    char day_text[20000][12];       // yyyy-mm-dd of days near the period
    int32_t first_day_text, no_day; // the day of day_text[0]; 1600-01-01
} synth_world;

/** A package of a class, large if wanted and if there is one. */
uint16_t synth_pick_drug(synth_random *random, const synth_world *world, synth_class class,
                         bool large);
/** A department: code of 3 characters, the two digits of hospital numbers. */
const char *synth_place_code(int place);
const char *synth_place_finess(int place);
int synth_place_weight(int place); // thousands of people
pc_status synth_world_read(const char *share_dir, bool all_columns, pc_arena *arena,
                           synth_world *world, pc_error *err) PC_MUST_CHECK;
/** A whole data file, owned by the arena. */
pc_status synth_file_read(const char *share_dir, const char *name, pc_arena *arena, char **text,
                          size_t *bytes, pc_error *err) PC_MUST_CHECK;
/** Cuts `line` at semicolons, in place; cells beyond `most` are an error (-1). */
int synth_cut(char *line, char **cell, int most);
/** The layout of a table (synth_table, then synth_detail_table) in a year. `backwards`: the columns
 *  in the other order, and one that no catalogue knows. */
pc_status synth_layout_make(const synth_columns *columns, const synth_world *world, int table,
                            int year, bool backwards, pc_arena *arena, synth_layout *out,
                            pc_error *err) PC_MUST_CHECK;
/** Whether the table exists in a year: its first column does. */
pc_status synth_table_lives(const synth_columns *columns, int table, int year, bool *out,
                            pc_error *err) PC_MUST_CHECK;
/** Appends a row. */
pc_status synth_row_write(const synth_world *world, const synth_layout *layout,
                          const synth_row *row, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Writes yyyy-mm-dd, 10 bytes. */
void synth_day_write(const synth_world *world, int32_t day, char *out);
/** The name of a table (synth_table, then synth_detail_table) in the SNDS. */
const char *synth_schema(int table);

// ---- a person ----

enum {
    SYNTH_PAIRS = 2,
    SYNTH_MOST_ILLS = 24,
    SYNTH_MOST_ALDS = 24,
    SYNTH_ILL_DRUGS = 3,
    SYNTH_NO_DAY = INT32_MAX
};

/** How a person stands to the rule of diabetes: a true case, or a near miss. */
typedef enum synth_near {
    NEAR_NONE,
    NEAR_TWO_DATES,       // 2 dates a year, no large package
    NEAR_TWO_LARGE,       // 2 dates, one large package: a case (T45)
    NEAR_ONE_DAY,         // 3 deliveries on one day (T46)
    NEAR_TWO_YEARS,       // 2 dates late in a year, 1 early in the next (T47)
    NEAR_WORK_ACCIDENT,   // E11 as a work accident (T52)
    NEAR_PAIR_STAY,       // a complication with diabetes associated: a case by stay
    NEAR_BENFLUOREX,      // A10BX06 only
    NEAR_FILTERED,        // 3 dates of which a cleaning rule takes one
    NEAR_CANCELLED,       // 3 dates of which one is cancelled
    NEAR_LARGE_CANCELLED, // 2 dates and the large package is cancelled
    NEAR_BAD_STAY,        // diabetes as main diagnosis of a stay that a rule takes out
    NEAR_ALD_ONLY,        // nothing but an ALD row (ended, open or far end)
    NEAR_ASSOCIATED,      // diabetes only as an associated diagnosis
    NEAR_OTHER_CANCEL,    // cancelled under another prescriber: still 3 dates
    NEAR_KINDS
} synth_near;

typedef struct synth_ill { // a disease of a person
    int16_t disease;
    int16_t variant;                // chooses codes from its lists
    int32_t since;                  // first day
    uint16_t drug[SYNTH_ILL_DRUGS]; // packages taken
    int8_t drug_count;
    bool large;
} synth_ill;

typedef struct synth_ald {
    const char *icd;
    int32_t from, to, inserted; // `to`: day, or 1600-01-01 when open
    int16_t number, kind;
} synth_ald;

typedef struct synth_person {
    int64_t index;
    int sex; // 0 woman, 1 man
    int birth_year, birth_month;
    int32_t birth_day, death_day; // SYNTH_NO_DAY: alive
    char psa[SYNTH_PAIRS][20], lost_psa[20], ano[20], idt[20], insured[20];
    int8_t rank[SYNTH_PAIRS];
    int8_t pair_count;
    int32_t second_from; // first day of the second pseudonym
    bool alternates;     // a child under both parents' numbers
    bool twin, archived, death_known, shares_ano;
    int32_t recorded_death;  // as IR_BEN_R has it; SYNTH_NO_DAY: none
    const char *provisional; // BEN_CDI_NIR
    int16_t place;
    int32_t town, doctor;
    int16_t scheme, emitter, regime; // RGM_GRG_COD, FLX_EMT_NUM, RGM_COD
    char office[12];                 // ORG_CLE_NUM, ORG_AFF_BEN
    bool poor;                       // BEN_CMU_TOP
    int32_t frailty;                 // x 1024
    synth_near near;
    synth_ill ill[SYNTH_MOST_ILLS];
    int8_t ill_count;
    synth_ald ald[SYNTH_MOST_ALDS];
    int8_t ald_count;
    bool has_ald;
} synth_person;

/** A delivery that counts for the rule, kept until the year is judged. */
typedef struct synth_delivery {
    int32_t day, drug, quantity;
    int64_t prescriber;
} synth_delivery;

/** What the rule of diabetes needs of a person. */
typedef struct synth_evidence {
    pc_buffer delivery; // of synth_delivery
    bool ald[PC_SYNTH_MAX_YEARS], stay[PC_SYNTH_MAX_YEARS];
} synth_evidence;

// ---- the generator ----

enum {
    SYNTH_MOST_MONTHS = 12 * (PC_SYNTH_MAX_YEARS + 1),
    SYNTH_FLOW_TABLES = 16, // ER_ tables
    SYNTH_MOST_SEGMENTS =
        SYNTH_FLOW_TABLES * SYNTH_MOST_MONTHS + SYNTH_ALL_TABLES * PC_SYNTH_MAX_YEARS,
    SYNTH_MOST_SESSIONS = 400, // stays of a person in a year
    SYNTH_MOST_REFERENCES = SYNTH_MOST_NOMENCLATURES + 3 + 4 * PC_SYNTH_MAX_YEARS
};

typedef struct synth_file {
    char name[32];
    int table; // synth_table, then synth_detail_table
    int year;  // 0: none
    int first_segment, segment_count;
    synth_layout layout;
} synth_file;

/** A file that is the same for every patient. */
typedef struct synth_reference {
    char name[32];
    int list;  // nomenclature, or -1
    int table; // else: SYNTH_DRUG or a detail table
    int year;
    synth_layout layout;
} synth_reference;

/** Texts to which the values of the detail row point. */
typedef struct synth_detail_text {
    char hospital[16], hospital8[12], number[16], stay[8], ipp[20], drug[16], drug7[12], label[64];
} synth_detail_text;

struct pc_synth {
    pc_synth_options options;
    int month_count; // flow months
    synth_world world;
    synth_file *file; // [file_count]
    int file_count, most_files, segment_count, odd_file_count;
    synth_reference reference[SYNTH_MOST_REFERENCES];
    int reference_count;
    int16_t segment_file[SYNTH_MOST_SEGMENTS];
    int32_t month_first[SYNTH_MOST_MONTHS + 1];                // first day of a flow month
    int16_t file_of[SYNTH_ALL_TABLES][PC_SYNTH_MAX_YEARS + 1]; // by year - first_year; -1: none
    // one patient's state
    synth_person person;
    synth_evidence evidence;
    int32_t statement[SYNTH_MOST_MONTHS];         // statements made for the person in a flow month
    uint32_t stay_key[2][SYNTH_MOST_SESSIONS][2]; // hashes of stays: last year's, this one's
    synth_row row[SYNTH_TABLES];                  // kept between rows: most cells stay
    synth_row detail;                             // of all tables beyond the core
    synth_detail_text text;
    synth_random extra; // for what stands beyond the core
    uint32_t
        late_days[SYNTH_MOST_MONTHS]; // days of the last statement of a flow month, one bit each
    int visit_count;                  // outpatient visits of the year
    char hospital[16], stay_number[16], spare[72]; // texts that rows point to
    pc_buffer *segment;
    pc_synth_truth *truth;
    synth_random mess;
};

/** Appends `row[table]` to the segment of a year (and flow month within it, from 0). */
pc_status synth_emit(pc_synth *synth, synth_table table, int year_index, int month,
                     pc_error *err) PC_MUST_CHECK;
/** Appends the detail row to a table; nothing when the table does not exist in that year. */
pc_status synth_detail_emit(pc_synth *synth, synth_detail_table table, int year_index, int month,
                            pc_error *err) PC_MUST_CHECK;
void synth_count_defect(pc_synth *synth, int number);
/** In messy deliveries, true `per_million` times in a million. */
bool synth_mess(pc_synth *synth, uint32_t per_million);
/** Writes `text` in place of a field in the next row. */
void synth_odd(synth_row *row, int field, const char *text);

void synth_person_make(pc_synth *synth, int64_t patient);
pc_status synth_person_emit(pc_synth *synth, pc_error *err) PC_MUST_CHECK;
/** Diseases and ALDs, after the person. */
void synth_health_make(pc_synth *synth);
pc_status synth_care_year(pc_synth *synth, int year, pc_error *err) PC_MUST_CHECK;
pc_status synth_stay_year(pc_synth *synth, int year, pc_error *err) PC_MUST_CHECK;
/** Which pseudonym a person goes by on a day. */
int synth_pair_on(const synth_person *person, int32_t day, synth_random *random);
int synth_age(const synth_person *person, int year);

/** True for E10 to E14 and below. */
bool synth_is_diabetes(const char *icd);
/** True for a complication that makes a pair stay with diabetes. */
bool synth_is_complication(const char *icd);
pc_status synth_truth_delivery(pc_synth *synth, const synth_delivery *delivery,
                               pc_error *err) PC_MUST_CHECK;
/** Judges the person for each year and adds to the truth. */
void synth_truth_judge(pc_synth *synth, bool diabetic[PC_SYNTH_MAX_YEARS]);

/** The hospital code of a package, 13 digits. */
int64_t synth_ucd_of(const synth_drug *drug);
/** Plans the reference files. */
pc_status synth_reference_plan(pc_synth *synth, const synth_columns *columns, pc_arena *arena,
                               pc_error *err) PC_MUST_CHECK;

// ---- beyond the core: deliveries with all columns (detail.h has the rest) ----

/** When rows of a detail table are due. */
synth_due synth_due_of(int detail);
/** Whether a table has a file for each year; the name of that file. */
bool synth_is_yearly(int table);
void synth_file_name(int table, int year, char *out, size_t bytes);
/** Sets the values of the detail row that are the person's. */
void synth_detail_person(pc_synth *synth);
/** Stays in rehabilitation, at home and in psychiatry, and psychiatric care without a stay. */
pc_status synth_episode_year(pc_synth *synth, int year, pc_error *err) PC_MUST_CHECK;
/** Insurance rights, places in homes, vaccinations, tests; pensions. */
pc_status synth_rights_emit(pc_synth *synth, pc_error *err) PC_MUST_CHECK;
/** The disease mapping: a row for each year. */
pc_status synth_atlas_emit(pc_synth *synth, const bool *diabetic, pc_error *err) PC_MUST_CHECK;

#endif
