/** @file parcours/model.h
 *  A data model: which tables a delivery has, how its columns are typed, how a row finds its
 *  patient. Read from a JSON file (docs/model.md). Everything is constant after loading.
 */
#ifndef PC_MODEL_H
#define PC_MODEL_H
#include "parcours/batch.h"
#include "parcours/json.h"

/** How far a column may leave the engine (docs/trust.md). */
typedef enum pc_class {
    PC_CLASS_PLAIN,
    PC_CLASS_QUASI,
    PC_CLASS_SENSITIVE,
    PC_CLASS_POTENTIAL_ID,
    PC_CLASS_PROFESSIONAL_ID,
    PC_CLASS_DIRECT_ID,
    PC_CLASS_PATIENT
} pc_class;
const char *pc_class_name(pc_class class_of);

/** How codes of a system nest. */
typedef enum pc_system_kind { PC_SYSTEM_FLAT, PC_SYSTEM_PREFIX, PC_SYSTEM_TREE } pc_system_kind;

typedef struct pc_system {
    const char *name; ///< "CIM10"
    pc_system_kind kind;
} pc_system;

/** How the CSV text of a date column is written (the order of trial). */
typedef enum pc_date_format {
    PC_DATE_ANY,      ///< yyyy-mm-dd, dd/mm/yyyy, ddMONyyyy, each with or without :hh:mm:ss or
                      ///< " hh:mm:ss", and SAS seconds since 1960-01-01
    PC_DATE_DDMMYYYY, ///< 8 digits, one leading zero may be lost
    PC_DATE_YYYYMMDD  ///< 8 digits, or a form with separators
} pc_date_format;

/** Where a column's values come from. */
typedef enum pc_origin {
    PC_FROM_CSV,   ///< a field of the delivery
    PC_FROM_FILE,  ///< the name of the file (file_year)
    PC_FROM_EVENT, ///< event_date, event_end: its own columns' or its parent's
    PC_FROM_RULE,  ///< a derived column: an SQL expression of the model
    PC_FROM_PERSON ///< a column of PERSON
} pc_origin;

typedef struct pc_model_column {
    const char *name; ///< as spelt in the model
    pc_type type;
    uint8_t scale;  ///< of PC_DECIMAL
    uint8_t width;  ///< of PC_ID: its bytes
    uint8_t digits; ///< of PC_INT and PC_DECIMAL: most digits that are accepted, 1 .. 18
    pc_origin origin;
    pc_class class_of;
    int system; ///< code system of the values (also of PC_INT columns), or -1
    int dict;   ///< dictionary of CODE and TEXT: index in model->dict_name, else -1
    pc_date_format date_format;
    const char *codes; ///< "TABLE.COLUMN" of the nomenclature that lists its values, or NULL
    int codes_table, codes_column; ///< the same as indices, where `codes` is not NULL
    int null_count;                ///< marks that mean null besides empty and blank
    const char *const *null_mark;  ///< [null_count] texts as written in the CSV
    int parent_column; ///< for a child's key column: the parent's column that holds the same value
                       ///< (rows with a parent do not store it); else -1
    const char *sql;   ///< of PC_FROM_RULE: the expression; else NULL
    bool core;
    bool often;        ///< most questions read it: stored so that single values are found alone
    const char *unit;  ///< "cents", "boxes" ..., or NULL
    const char *label; ///< or NULL
} pc_model_column;

/** How a row of a table finds its slot. */
typedef enum pc_path {
    PC_PATH_NONE,      ///< a reference table: not partitioned
    PC_PATH_PERSON,    ///< PERSON: derived
    PC_PATH_IDENTITY,  ///< IR_BEN_R: holds the person key, and pseudonym and rank if there are such
    PC_PATH_PAIR,      ///< pseudonym + rank, looked up in the identity tables
    PC_PATH_PSEUDONYM, ///< pseudonym, rank where filled: ambiguous when several persons fit
    PC_PATH_KEY,       ///< through a parent row by a model key
    PC_PATH_DIRECT,    ///< the person key itself
    PC_PATH_SAME       ///< the patient of the rows of other tables that hold the same values
} pc_path;

/** A row of a reference table found by one code or number of this table. Of several rows that match
 *  the first by the reference table's primary key counts. */
typedef struct pc_model_reference {
    int table;        ///< index of the reference table
    int column;       ///< this table's column
    int their_column; ///< the reference table's column
} pc_model_reference;

/** How signed lines of a table cancel: lines of one patient that are equal in the columns of `by`
 *  are one group, and count when their quantity sums to more than 0. The columns are the row's own
 * or those of its parent and companions, as SQL on the table sees them. */
typedef struct pc_model_net {
    int by_count; ///< 0: the table has no signed lines
    const char *const *by;
    const char *quantity;
} pc_model_net;

/** SAME: whose rows tell the patient, and by which columns. */
typedef struct pc_model_same {
    int table_count;
    const int *table; ///< [table_count] whose rows find their patients without this table
    int column_count;
    const int *column; ///< [column_count] of this table
    const int *their;  ///< [table_count x column_count] of each of those tables
} pc_model_same;

typedef struct pc_model_table {
    const char *name; ///< "T_MCOaaB"
    int pattern_count;
    const char *const *pattern; ///< file name patterns: {yyyy}, {yy}: the file's year; no case
    pc_path path;
    int column_count;
    const pc_model_column *column; ///< [column_count]: event_date and event_end first (patient
                                   ///< tables), file_year if any, CSV columns, derived ones
    int flow;                      ///< column of the day on which the row was made available, or -1
    int event_date, event_end;     ///< column indices of the columns of that name, or -1
    int own_date, own_end;         ///< CSV columns that they are taken from, or -1: the parent's
    int file_year;                 ///< column index, or -1
    int pseudonym, rank, person; ///< columns of the path (PAIR, PSEUDONYM, IDENTITY, DIRECT), or -1
    int person_flag;             ///< DIRECT: the person key counts only if this column is
    int64_t person_flag_value;   ///< this value; column -1: always
    bool person_may_lack;        ///< DIRECT: files without that column are rows of nobody
    int nobody_key;              ///< DIRECT: column that keys the nobody slot, or -1
    pc_model_same same;          ///< SAME
    int dummy_count;             ///< values that make a row nobody's (status dummy)
    const struct pc_model_dummy *dummy; ///< [dummy_count]
    int own_key;                        ///< key that this table is the parent of, or -1
    int parent_key;                     ///< key by which it finds its parent, or -1
    bool companion; ///< at most one row a parent row is expected; its columns are seen from the
                    ///< parent
    int primary_count;
    const int *primary; ///< [primary_count] columns of the primary key; 0: rows may repeat
    int reference_count;
    const pc_model_reference *reference;
    pc_model_net net;
    bool multiline;    ///< quoted fields of its files may hold line feeds: read by one rank
    bool often;        ///< most questions read its days and links: stored like columns so marked
    bool check_period; ///< a row whose own_end is before its own_date is rejected ("period")
    bool disjoint;     ///< a row that overlaps another of its slot is rejected ("overlap")
    bool needs_person; ///< a row of no person of the identity tables is rejected ("person")
    const char *delimiters; ///< what may stand between the fields of its files: the first of
                            ///< these that a file's header has
    const char *title;      ///< or NULL
} pc_model_table;

/** A value that stands for no person. */
typedef struct pc_model_dummy {
    int column;
    int value_count;
    const char *const *value;
} pc_model_dummy;

/** A key of the model: `claim`, `mco_stay`. Its parent table's `primary` is its columns. */
typedef struct pc_model_key {
    const char *name;
    int table;       ///< the parent
    bool is_episode; ///< rows of one key value form one care episode (`stay` of a record)
} pc_model_key;

/** A derived column, in the order in which they must be computed. */
typedef struct pc_model_rule {
    int table, column;
} pc_model_rule;

typedef struct pc_model_person {
    int identity_count;
    const int *identity;       ///< [identity_count] identity tables, in order of precedence
    const char *sex_column;    ///< of the identity tables
    const char *female, *male; ///< its values
    const char *birth_year, *birth_month, *death_date; ///< columns of the identity tables
    int observation_table; ///< whose rows are when a person is observed; -1: the store's period
    int death_table;       ///< whose column death_date is, when not the identity tables'; else -1
    int latest_count;
    const char *const *latest; ///< columns that say which row is the newest, in order
    int copy_count;
    const char *const *copy; ///< columns copied from the newest row (BEN_RES_DPT ...)
} pc_model_person;

/** A class of a standard population. */
typedef struct pc_model_class {
    char sex;      ///< 'F', 'M', or 0: both
    int low, high; ///< completed years, both included; the last class has high INT_MAX
    int64_t weight;
} pc_model_class;

/** A standard population: weights of classes of age, for direct standardisation. */
typedef struct pc_model_population {
    const char *name;   ///< "ESP2013"
    const char *source; ///< where it was published
    int class_count;
    const pc_model_class *classes; ///< [class_count] by sex, then age, without gaps from 0
} pc_model_population;

typedef struct pc_model {
    const char *name; ///< with extensions "snds+angioplasties"
    const char *version;
    bool null_text;   ///< the texts NULL and NA are null too
    pc_span document; ///< the JSON text it was read from
    int system_count;
    const pc_system *system;
    int dict_count;
    const char *const *dict_name; ///< a code system's name, else the column's
    int key_count;
    const pc_model_key *key;
    int table_count;
    const pc_model_table *table; ///< PERSON is one of them
    int person_table;            ///< its index
    int rule_count;
    const pc_model_rule *rule;
    pc_model_person person;
    int population_count;
    const pc_model_population *population;
} pc_model;

/** Reads a model from its JSON text; everything is owned by `arena`. A list of documents is a base
 *  model and extensions of it: their tables come behind PERSON, so that the numbers of the base's
 *  tables, columns, keys and dictionaries are those that it has alone. Local.
 *  @param name  what errors call it
 *  @return PC_BAD_JOB with the JSON path, what was expected, the nearest name */
pc_status pc_model_parse(pc_span text, const char *name, pc_arena *arena, const pc_model **out,
                         pc_error *err) PC_MUST_CHECK;
/** The same of a document that is parsed already: `text` is what it was parsed from (copied). */
pc_status pc_model_build(const pc_json *document, pc_span text, const char *name, pc_arena *arena,
                         const pc_model **out, pc_error *err) PC_MUST_CHECK;
/** The same from a file, or a shipped model by its name ("snds": SHARE/models/snds.json); with
 *  extensions "snds+angioplasties", "snds+./register.json". */
pc_status pc_model_read(const char *name_or_path, const char *share, pc_arena *arena,
                        const pc_model **out, pc_error *err) PC_MUST_CHECK;

/** The model of a store with the extensions of `names` that it lacks, behind those that it has: its
 *  own tables, columns, keys and dictionaries keep their numbers. `*out` is `base` when it has all.
 *  @param names  as for pc_model_read; the base and extensions that it has may be left out
 *  @return PC_BAD_JOB also when the store has another text of a model that is named */
pc_status pc_model_extend(const pc_model *base, const char *names, const char *share,
                          pc_arena *arena, const pc_model **out, pc_error *err) PC_MUST_CHECK;

/** Index of the table, column, key or system of that name without regard to case, or -1. */
int pc_model_find_table(const pc_model *model, pc_span name);
int pc_model_find_column(const pc_model_table *table, pc_span name);
int pc_model_find_key(const pc_model *model, pc_span name);
int pc_model_find_system(const pc_model *model, pc_span name);
int pc_model_find_population(const pc_model *model, pc_span name);

/** The table that a file belongs to by its name (without folder; .gz and .zst are looked through),
 *  or -1; `year` is the year in the name, or 0. */
int pc_model_match_file(const pc_model *model, const char *file_name, int *year);

#endif
