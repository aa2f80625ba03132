/** Random files whose rows are known: any split into units, plain and compressed, gives those rows.
 */
#include <zlib.h>
#include <zstd.h>
#include "partition/csv_case.h"
#include "partition/csv_values.h"
#include "test_random.h"

enum { SEED = 20190418, VALUE_COUNT = sizeof VALUE / sizeof VALUE[0], NAME_COUNT = 14 };

static const char *const NAME[NAME_COUNT] = {"PSEUDO", "RANK", "NUM",   "FROM_DAY", "TO_DAY",
                                             "DIAG",   "NOTE", "SMALL", "CIP",      "COST",
                                             "PRICE",  "RATE", "FLAG",  "BORN"};

/** A file, and what must come of it. */
typedef struct made_file {
    pc_buffer text;
    pc_buffer rows;     // as case_rows shows them
    pc_buffer rejected; // "line reason\n"
    int64_t line, rows_read;
} made_file;

static void add(pc_buffer *out, const char *text)
{
    if (pc_buffer_append(out, text, strlen(text), NULL) != PC_OK) exit(1);
}

static void add_byte(pc_buffer *out, char byte)
{
    if (pc_buffer_append(out, &byte, 1, NULL) != PC_OK) exit(1);
}

static const value_case *random_value(uint64_t *random, const char *column)
{
    const value_case *v;
    do {
        v = &VALUE[pc_test_below(random, VALUE_COUNT)];
    } while (strcmp(v->column, column) != 0);
    return v;
}

// A bad record is rejected for what is wrong with its form, else for its first bad field.
static int worse(int reason, const value_case *v)
{
    static const int rank[PC_REJECT_COUNT + 1] = {
        [PC_REJECT_QUOTE] = 0,  [PC_REJECT_COLUMNS] = 1, [PC_REJECT_ENCODING] = 2,
        [PC_REJECT_DATE] = 3,   [PC_REJECT_NUMBER] = 3,  [PC_REJECT_RANGE] = 3,
        [PC_REJECT_LENGTH] = 3, [PC_REJECT_KEY] = 4,     [PC_REJECT_COUNT] = 5};
    if (v->shown != NULL || rank[v->reason] >= rank[reason]) return reason;
    return (int)v->reason;
}

static void add_record(made_file *made, uint64_t *random, bool last)
{
    char row[512] = "2019|";
    int reason = PC_REJECT_COUNT;
    const bool mostly_good = pc_test_below(random, 3) > 0;
    for (int i = 0; i < NAME_COUNT; i++) {
        const char *text = i == 0 ? "P1" : i == 1 ? "1" : i == 2 ? "n1" : "";
        const char *shown = text[0] != '\0' ? text : "~";
        if (i > 1 && i != 4 && i != 10 && pc_test_below(random, 2) == 0) {
            const value_case *v = random_value(random, NAME[i]);
            while (mostly_good && v->shown == NULL)
                v = random_value(random, NAME[i]);
            text = v->text;
            shown = v->shown != NULL ? v->shown : "";
            reason = worse(reason, v);
        }
        if (i > 0) add(&made->text, ";");
        add(&made->text, text);
        (void)strcat(strcat(row, shown), "|");
    }
    if (!last) add(&made->text, pc_test_below(random, 2) == 0 ? "\n" : "\r\n");
    if (reason == PC_REJECT_COUNT) {
        add(&made->rows, strcat(row, "\n"));
    } else {
        (void)snprintf(row, sizeof row, "%lld %s\n", (long long)made->line,
                       pc_reject_name((pc_reject)reason));
        add(&made->rejected, row);
    }
    made->line++;
    made->rows_read++;
}

static made_file make_file(csv_case *c, uint64_t *random, int records)
{
    made_file made = {.line = 2};
    made.text.budget = made.rows.budget = made.rejected.budget = &c->budget;
    if (pc_test_below(random, 2) == 0) add(&made.text, "\xef\xbb\xbf");
    add(&made.text, STAY_HEADER);
    add(&made.text, "\n");
    for (int i = 0; i < records; i++) {
        if (pc_test_below(random, 20) == 0) {
            add(&made.text, pc_test_below(random, 2) == 0 ? "\n" : " \r\n");
            made.line++;
        }
        add_record(&made, random, false);
    }
    return made;
}

static void release_file(made_file *made)
{
    pc_buffer_release(&made->text);
    pc_buffer_release(&made->rows);
    pc_buffer_release(&made->rejected);
}

static void show_rejected(const csv_case *c, pc_buffer *out)
{
    for (size_t i = 0; i < c->rejected.bytes / sizeof(pc_rejected); i++) {
        char line[64];
        const pc_rejected *r = case_reject(c, (int)i);
        (void)snprintf(line, sizeof line, "%lld %s\n", (long long)r->line,
                       pc_reject_name((pc_reject)r->reason));
        add(out, line);
    }
}

// What a first reading gave is what the next must give.
static void take_result(const csv_case *c, made_file *made)
{
    made->rows.bytes = made->rejected.bytes = 0;
    if (pc_buffer_append(&made->rows, c->rows.data, c->rows.bytes, NULL) != PC_OK) exit(1);
    show_rejected(c, &made->rejected);
    made->rows_read = c->counts.rows_read;
}

static bool same_result(csv_case *c, const made_file *made)
{
    pc_buffer rejected = {.budget = &c->budget};
    show_rejected(c, &rejected);
    const bool same = c->counts.rows_read == made->rows_read &&
                      pc_span_equal((pc_span){c->rows.data, c->rows.bytes},
                                    (pc_span){made->rows.data, made->rows.bytes}) &&
                      pc_span_equal((pc_span){rejected.data, rejected.bytes},
                                    (pc_span){made->rejected.data, made->rejected.bytes});
    pc_buffer_release(&rejected);
    return same;
}

static bool read_same(csv_case *c, const made_file *made, const char *name, const void *bytes,
                      size_t count, int64_t unit_bytes)
{
    pc_csv_file file;
    const char *path = case_file(c, name, bytes, count);
    pc_status status = pc_csv_open(c->model, path, name, 0, &c->arena, &file, &c->err);
    if (status == PC_OK) status = case_read(c, &file, unit_bytes);
    (void)unlink(path);
    const bool same = status == PC_OK && same_result(c, made) && c->counts.bytes == (int64_t)count;
    if (!same) {
        (void)fprintf(stderr, "\n%s, units of %lld: %s\n", name, (long long)unit_bytes,
                      status == PC_OK ? "other rows" : c->err.text);
    }
    return same;
}

static void test_any_split(void)
{
    csv_case c;
    uint64_t random = SEED;
    int wrong = 0;
    (void)printf("seed %d ", SEED);
    case_begin(&c);
    for (int round = 0; round < 12; round++) {
        made_file made = make_file(&c, &random, round < 2 ? 12 : 150);
        const int64_t unit = round < 2 ? 1 : 1 + pc_test_below(&random, round < 6 ? 300 : 5000);
        const pc_arena_mark mark = pc_arena_now(&c.arena);
        wrong += !read_same(&c, &made, "stay_2019.csv", made.text.data, made.text.bytes, 0);
        wrong += !read_same(&c, &made, "stay_2019.csv", made.text.data, made.text.bytes, unit);
        pc_arena_rewind(&c.arena, mark);
        release_file(&made);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    case_end(&c);
}

// Any bytes behind a header: no crash, and any split says the same of them.
static void test_noise(void)
{
    static const char *const word[] = {"P1;1;n1;", ";",        ";;;;",       "\n",  "\r\n",
                                       "\"",       "\"\"",     "2019-01-01", "E11", "12.5",
                                       "\xe9",     "\xc3\xa9", " ",          "\x01"};
    csv_case c;
    uint64_t random = SEED + 4;
    int wrong = 0;
    case_begin(&c);
    for (int round = 0; round < 60; round++) {
        made_file noise = make_file(&c, &random, 0);
        pc_csv_file file;
        const pc_arena_mark mark = pc_arena_now(&c.arena);
        for (int i = pc_test_below(&random, 400); i > 0; i--) {
            const int kind = pc_test_below(&random, 30);
            if (kind < 14) add(&noise.text, word[kind]);
            if (kind == 14) add_byte(&noise.text, (char)pc_test_below(&random, 256));
            if (kind > 14) add(&noise.text, ";");
            if (kind == 29) add_record(&noise, &random, false);
        }
        const char *path = case_file(&c, "stay_2019.csv", noise.text.data, noise.text.bytes);
        if (pc_csv_open(c.model, path, "noise", 0, &c.arena, &file, &c.err) == PC_OK) {
            CU_ASSERT_EQUAL(case_read(&c, &file, 0), PC_OK);
            take_result(&c, &noise);
            CU_ASSERT_EQUAL(case_read(&c, &file, 1 + pc_test_below(&random, 90)), PC_OK);
            wrong += !same_result(&c, &noise);
        }
        pc_arena_rewind(&c.arena, mark);
        release_file(&noise);
    }
    (void)unlink(case_file(&c, "stay_2019.csv", "", 0));
    CU_ASSERT_EQUAL(wrong, 0);
    case_end(&c);
}

// More than one window, and units whose ends fall anywhere.
static void test_large_file(void)
{
    csv_case c;
    uint64_t random = SEED + 1;
    case_begin(&c);
    made_file made = make_file(&c, &random, 6000);
    CU_ASSERT(made.text.bytes > 300 * 1024);
    CU_ASSERT(read_same(&c, &made, "stay_2019.csv", made.text.data, made.text.bytes, 0));
    CU_ASSERT(read_same(&c, &made, "stay_2019.csv", made.text.data, made.text.bytes, 99991));
    release_file(&made);
    case_end(&c);
}

static void expect_cut(csv_case *c, const char *name, const char *bytes, size_t count)
{
    const pc_status status = case_text(c, name, bytes, count);
    CU_ASSERT_EQUAL(status, PC_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, "cut short"));
}

static size_t gzip(const made_file *made, size_t from, size_t to, char *out, size_t room)
{
    z_stream z = {0};
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) exit(1);
    z.next_in = (Bytef *)(void *)(made->text.data + from);
    z.avail_in = (uInt)(to - from);
    z.next_out = (Bytef *)(void *)out;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) exit(1);
    const size_t bytes = room - z.avail_out;
    (void)deflateEnd(&z);
    return bytes;
}

static void test_streams(void)
{
    csv_case c;
    uint64_t random = SEED + 2;
    case_begin(&c);
    made_file made = make_file(&c, &random, 2000);
    const size_t room = made.text.bytes + 4096;
    char *packed = pc_arena_take(&c.arena, room, NULL);
    // Two gzip streams in one file, as `cat a.gz b.gz` makes it.
    size_t bytes = gzip(&made, 0, 5000, packed, room);
    bytes += gzip(&made, 5000, made.text.bytes, packed + bytes, room - bytes);
    CU_ASSERT(read_same(&c, &made, "stay_2019.csv.gz", packed, bytes, 0));
    expect_cut(&c, "stay_2019.csv.gz", packed, bytes - 9);
    bytes = ZSTD_compress(packed, room, made.text.data, made.text.bytes, 3);
    CU_ASSERT(read_same(&c, &made, "stay_2019.CSV.zst", packed, bytes, 0));
    expect_cut(&c, "stay_2019.CSV.zst", packed, bytes - 9);
    release_file(&made);
    case_end(&c);
}

static void add_many(pc_buffer *out, char byte, size_t count)
{
    if (pc_buffer_reserve(out, out->bytes + count, NULL) != PC_OK) exit(1);
    memset(out->data + out->bytes, byte, count);
    out->bytes += count;
}

// A record of megabytes is one reject, and the next is read.
static void test_long_records(void)
{
    csv_case c;
    case_begin(&c);
    pc_buffer text = {.budget = &c.budget};
    add(&text, "CODE;TEXT\na;");
    add_many(&text, 'x', 900 * 1024);
    add(&text, "\nb;");
    add_many(&text, 'y', 3 * 1024 * 1024);
    add(&text, "\nc;\"z\nd;");
    add_many(&text, 'w', 3 * 1024 * 1024);
    add(&text, "\ne;v\n");
    CU_ASSERT_EQUAL(case_text(&c, "label.csv", text.data, text.bytes), PC_OK);
    CU_ASSERT_EQUAL(c.counts.rows_read, 5);
    CU_ASSERT_EQUAL(c.counts.rows_rejected, 3);
    CU_ASSERT_EQUAL(case_reject(&c, 0)->line, 3);
    CU_ASSERT_EQUAL(case_reject(&c, 0)->reason, PC_REJECT_COLUMNS);
    CU_ASSERT_EQUAL(case_reject(&c, 1)->line, 4);
    CU_ASSERT_EQUAL(case_reject(&c, 1)->reason, PC_REJECT_QUOTE);
    CU_ASSERT_EQUAL(case_reject(&c, 2)->line, 5);
    CU_ASSERT_PTR_NOT_NULL(strstr(case_rows(&c), "\ne|v|\n"));
    pc_buffer_release(&text);
    case_end(&c);
}

static void test_digests(void)
{
    csv_case c;
    pc_csv_file file;
    case_begin(&c);
    const char text[] = "WORD\nalpha\nbeta\ngamma\n";
    const char *path = case_file(&c, "one.csv", text, sizeof text - 1);
    CU_ASSERT_EQUAL(pc_csv_open(c.model, path, "one.csv", 0, &c.arena, &file, NULL), PC_OK);
    CU_ASSERT_EQUAL(file.header_bytes, 5);
    file.unit_bytes = 6;
    file.unit_count = 3;
    CU_ASSERT_EQUAL(pc_row_layout_make(c.model, file.table, &c.arena, &c.layout, NULL), PC_OK);
    const size_t from[] = {0, 11, 17, sizeof text - 1};
    for (int unit = 0; unit < 3; unit++) {
        pc_csv_reader *reader = NULL;
        pc_csv_counts counts;
        pc_digest digest;
        CU_ASSERT_EQUAL(pc_csv_reader_open(c.model, c.dict, &c.budget, &reader, NULL), PC_OK);
        CU_ASSERT_EQUAL(pc_csv_read_unit(reader, &file, unit, c.layout, case_sink, &c, &c.rejected,
                                         &counts, &digest, NULL),
                        PC_OK);
        pc_fingerprint_state state;
        pc_fingerprint_begin(&state);
        pc_fingerprint_add(&state, text + from[unit], from[unit + 1] - from[unit]);
        const pc_digest want = pc_fingerprint_end(&state);
        CU_ASSERT_EQUAL(memcmp(&digest, &want, sizeof want), 0);
        CU_ASSERT_EQUAL(counts.bytes, (int64_t)(from[unit + 1] - from[unit]));
        pc_csv_reader_close(reader);
    }
    CU_ASSERT_STRING_EQUAL(case_rows(&c), "alpha|\nbeta|\ngamma|\n");
    (void)unlink(path);
    case_end(&c);
}

// Every request for memory is refused once: nothing crashes, nothing stays taken.
static void test_any_request_may_be_refused(void)
{
    static const char *const name[] = {"stay_2019.csv", "stay_2019.csv.zst"};
    uint64_t random = SEED + 3;
    for (int kind = 0; kind < 2; kind++) {
        csv_case c;
        pc_csv_file file;
        pc_status status = PC_NO_MEMORY;
        case_begin(&c);
        made_file made = make_file(&c, &random, 20);
        char packed[16384];
        const size_t bytes =
            ZSTD_compress(packed, sizeof packed, made.text.data, made.text.bytes, 3);
        const char *path = case_file(&c, name[kind], kind == 0 ? made.text.data : packed,
                                     kind == 0 ? made.text.bytes : bytes);
        size_t refused = 0;
        for (size_t room = 0; status == PC_NO_MEMORY; room += 4096) {
            pc_arena arena = {.budget = &c.budget};
            pc_buffer_release(&c.rows);
            pc_buffer_release(&c.rejected);
            const size_t before = c.budget.used_bytes;
            c.budget.limit_bytes = before + room;
            status = pc_csv_open(c.model, path, "file", 0, &arena, &file, &c.err);
            if (status == PC_OK) status = case_read(&c, &file, 0);
            refused += status == PC_NO_MEMORY;
            pc_arena_reset(&arena);
            c.budget.limit_bytes = 0;
        }
        CU_ASSERT_EQUAL(status, PC_OK);
        CU_ASSERT(refused > 10);
        CU_ASSERT(same_result(&c, &made));
        (void)unlink(path);
        release_file(&made);
        case_end(&c);
    }
}

PC_TEST_MAIN("csv_units", {"any split gives the same rows", test_any_split},
             {"any split of noise", test_noise}, {"more than one window", test_large_file},
             {"gzip and zstd", test_streams}, {"records of megabytes", test_long_records},
             {"digests of units", test_digests},
             {"each refusal of memory", test_any_request_may_be_refused});
