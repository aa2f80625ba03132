/** Looks, order, grouping and pick of records, each against a slow twin that goes day by day. */
#include <stdio.h>
#include <string.h>
#include "engine/study/eval.h"
#include "test_main.h"
#include "test_random.h"

enum { SLOTS = 24, MOST_RECORDS = 7, KIND = PC_ATTRIBUTE, COLUMNS, ROUNDS = 16 };

/** Two timelines, a timeline of `during`, and what the engine needs around them. */
typedef struct world {
    pc_budget budget;
    pc_arena arena;
    pc_model model;
    pc_study study;
    pc_nodes nodes;
    pc_node node[3]; // anchors, candidates, during
    pc_node *list[3];
    pc_def def[3];
    pc_typed typed[3];
    pc_ref ref[3];
    pc_record_column column[COLUMNS];
    pc_block_eval eval;
    bool needed[COLUMNS];
    uint64_t random;
} world;

static int below(world *w, int count)
{
    return pc_test_below(&w->random, count);
}

static int64_t random_day(world *w)
{
    return 17600 + below(w, 900);
}

static void add_record(world *w, pc_records *r, int slot)
{
    const int64_t at = r->count++;
    const int64_t start = random_day(w);
    r->slot[at] = slot;
    r->column[PC_START][at] = start;
    r->column[PC_END][at] = below(w, 10) == 0 ? PC_OPEN : start + below(w, below(w, 3) * 60 + 1);
    for (int i = PC_CODE_COLUMN; i < COLUMNS; i++) {
        r->column[i][at] = below(w, 6) == 0 ? PC_NULL : below(w, 4);
    }
}

static void make_timeline(world *w, pc_node *node, bool sorted)
{
    pc_records *r = &node->records;
    CU_ASSERT_EQUAL(pc_records_open(r, COLUMNS, w->needed, &w->arena, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_records_reserve(r, (int64_t)SLOTS * MOST_RECORDS, &w->arena, NULL), PC_OK);
    for (int slot = 0; slot < SLOTS; slot++) {
        const int count = below(w, MOST_RECORDS + 1);
        for (int i = 0; i < count; i++)
            add_record(w, r, slot);
    }
    if (!sorted) return;
    const pc_record_schema schema = {COLUMNS, w->column};
    CU_ASSERT_EQUAL(pc_records_sort(r, COLUMNS, &schema, &w->eval.words, &w->eval.scratch, NULL),
                    PC_OK);
    CU_ASSERT_EQUAL(pc_records_index(r, SLOTS, &w->arena, NULL), PC_OK);
}

static void open_world(world *w, uint64_t seed)
{
    static const char *const name[COLUMNS] = {"start_date", "end_date", "code",
                                              "value",      "stay",     "kind"};
    static const pc_type type[COLUMNS] = {PC_DATE, PC_DATE, PC_TEXT, PC_INT, PC_KEY, PC_INT};
    memset(w, 0, sizeof *w);
    w->random = seed;
    w->arena.budget = &w->budget;
    w->eval = (pc_block_eval){.nodes = &w->nodes,
                              .budget = &w->budget,
                              .run_arena = {.budget = &w->budget},
                              .arena = {.budget = &w->budget},
                              .scratch = {.budget = &w->budget},
                              .slot_count = SLOTS};
    CU_ASSERT_EQUAL(pc_words_open(&w->eval.words, &w->eval.run_arena, NULL), PC_OK);
    // Numbers of words that are not in the order of their texts.
    static const char *const word[] = {"delta", "alpha", "charlie", "bravo"};
    for (int i = 0; i < 4; i++) {
        int64_t number = 0;
        CU_ASSERT_EQUAL(pc_words_add(&w->eval.words, pc_span_of(word[i]), &number, NULL), PC_OK);
    }
    for (int i = 0; i < COLUMNS; i++) {
        w->column[i] = (pc_record_column){.name = name[i], .type = type[i], .system = -1};
        w->needed[i] = true;
    }
    for (int i = 0; i < 3; i++) {
        w->typed[i].out = (pc_record_schema){COLUMNS, w->column};
        w->typed[i].family = w->typed[i].records = -1;
        w->def[i] = (pc_def){
            .kind = PC_DEF_EVENT, .name = "t", .path = "t", .table = -1, .typed = &w->typed[i]};
        w->node[i].def = &w->def[i];
        w->node[i].needed = w->needed;
        w->list[i] = &w->node[i];
        w->ref[i].def = &w->def[i];
    }
    w->nodes = (pc_nodes){.study = &w->study, .count = 3, .node = w->list};
}

static void close_world(world *w)
{
    pc_words_close(&w->eval.words);
    pc_arena_reset(&w->eval.scratch);
    pc_arena_reset(&w->eval.arena);
    pc_arena_reset(&w->eval.run_arena);
    pc_arena_reset(&w->arena);
    CU_ASSERT_EQUAL(w->budget.used_bytes, 0);
}

// The twin. A limit is -1 << 40 or 1 << 40 when there is none.
static const int64_t no_low = -(INT64_C(1) << 40), no_high = INT64_C(1) << 40;

typedef struct twin_window {
    int64_t low, high;
    pc_window_part part;
} twin_window;

static int year_of(int64_t day)
{
    int year = 0, month = 0, day_of_month = 0;
    pc_day_split((int32_t)day, &year, &month, &day_of_month);
    return year;
}

/** The bounds of a window, each found by trying days one after the other. */
static bool twin_bounds(const pc_window *window, int64_t start, int64_t end, twin_window *out)
{
    const int64_t day = window->from_end ? end : start;
    const pc_pair *p = &window->pair;
    *out = (twin_window){no_low, no_high, window->part};
    if (day == PC_OPEN && window->unit != PC_WINDOW_DATES) return false;
    bool found_low = false;
    for (int64_t d = 16000; d < 21000; d++) {
        bool after = true, before = true;
        switch (window->unit) {
            case PC_WINDOW_DAYS:
                after = d - day >= p->low;
                before = d - day <= p->high;
                break;
            case PC_WINDOW_MONTHS:
                after = d >= pc_day_add_months((int32_t)day, (int)p->low);
                before = d <= pc_day_add_months((int32_t)day, (int)p->high);
                break;
            case PC_WINDOW_YEARS:
                after = year_of(d) - year_of(day) >= p->low;
                before = year_of(d) - year_of(day) <= p->high;
                break;
            case PC_WINDOW_DATES:
                after = d >= p->low;
                before = d <= p->high;
                break;
            default:
                return true;
        }
        if (p->has_low && after && !found_low) {
            out->low = d;
            found_low = true;
        }
        if (p->has_high && before) out->high = d;
    }
    return out->low <= out->high;
}

typedef struct twin_look {
    int window_count;
    twin_window window[8];
    bool is_empty;
    int64_t anchor_day;
} twin_look;

static void twin_windows(const world *w, const pc_condition *c, int64_t anchor, twin_look *out)
{
    const pc_records *a = &w->node[0].records, *during = &w->node[2].records;
    const int64_t start = a->column[PC_START][anchor], end = a->column[PC_END][anchor];
    *out = (twin_look){.window_count = c->window_count};
    out->anchor_day = c->window_count > 0 && c->window[0].from_end ? end : start;
    for (int i = 0; i < c->window_count; i++) {
        if (!twin_bounds(&c->window[i], start, end, &out->window[i])) out->is_empty = true;
    }
    if (c->during == NULL) return;
    int64_t found = -1;
    for (int64_t row = 0; row < during->count && found < 0; row++) {
        if (during->slot[row] == a->slot[anchor] && during->column[PC_START][row] <= start &&
            during->column[PC_END][row] >= start) {
            found = row;
        }
    }
    if (found < 0) {
        out->is_empty = true;
        return;
    }
    const int64_t low = during->column[PC_START][found], last = during->column[PC_END][found];
    const int64_t high = last == PC_OPEN ? no_high : last;
    for (int i = 0; i < c->window_count; i++) {
        if (out->window[i].low == no_low) out->window[i].low = low;
        if (out->window[i].high == no_high) out->window[i].high = high;
        if (out->window[i].low > out->window[i].high) out->is_empty = true;
    }
    out->window[out->window_count++] =
        (twin_window){low, high, c->window_count > 0 ? c->window[0].part : PC_PART_START};
}

static bool twin_day_in(const twin_window *window, int64_t day)
{
    return day >= window->low && day <= window->high;
}

static bool twin_passes(const twin_window *window, int64_t start, int64_t end)
{
    const bool is_open = end == PC_OPEN;
    const int64_t last = is_open ? start + 3000 : end;
    int64_t inside = 0;
    for (int64_t day = start; day <= last; day++)
        inside += twin_day_in(window, day);
    switch (window->part) {
        case PC_PART_START:
            return twin_day_in(window, start);
        case PC_PART_END:
            return is_open ? window->high == no_high : twin_day_in(window, end);
        case PC_PART_OVERLAP:
            return inside > 0;
        default:
            return inside == last - start + 1 && (!is_open || window->high == no_high);
    }
}

static bool twin_same(const world *w, const pc_condition *c, int64_t anchor, int64_t row)
{
    const pc_records *a = &w->node[0].records, *t = &w->node[1].records;
    for (int i = 0; i < c->same.count; i++) {
        const int64_t here = a->column[c->bound->same_here[i]][anchor];
        if (here == PC_NULL || here != t->column[c->bound->same_there[i]][row]) return false;
    }
    for (int i = 0; i < c->different.count; i++) {
        const int64_t here = a->column[c->bound->different_here[i]][anchor];
        const int64_t there = t->column[c->bound->different_there[i]][row];
        if (here == PC_NULL || there == PC_NULL || here == there) return false;
    }
    return true;
}

/** Days of the windows that records cover, and how many days the windows have; -1: no two ends. */
static int64_t twin_days(const world *w, const pc_condition *c, const twin_look *look,
                         int64_t anchor, int64_t *window_days, bool *by_one)
{
    const pc_records *a = &w->node[0].records, *t = &w->node[1].records;
    int64_t low = no_low, high = no_high, days = 0;
    *window_days = -1;
    *by_one = false;
    for (int i = 0; i < look->window_count; i++) {
        if (look->window[i].low > low) low = look->window[i].low;
        if (look->window[i].high < high) high = look->window[i].high;
    }
    if (look->is_empty || low == no_low || high == no_high || low > high) return 0;
    *window_days = high - low + 1;
    for (int64_t day = low; day <= high; day++) {
        bool covered = false;
        for (int64_t row = 0; row < t->count; row++) {
            covered = covered || (t->slot[row] == a->slot[anchor] && twin_same(w, c, anchor, row) &&
                                  t->column[PC_START][row] <= day && t->column[PC_END][row] >= day);
        }
        days += covered;
    }
    for (int64_t row = 0; row < t->count; row++) {
        if (t->slot[row] == a->slot[anchor] && twin_same(w, c, anchor, row) &&
            t->column[PC_START][row] <= low && t->column[PC_END][row] >= high) {
            *by_one = true;
        }
    }
    return days;
}

static int64_t twin_value(const world *w, const pc_condition *c, int64_t anchor)
{
    const pc_records *a = &w->node[0].records, *t = &w->node[1].records;
    twin_look look;
    twin_windows(w, c, anchor, &look);
    int64_t count = 0, sum = 0, first = -1, last = -1, distinct = 0;
    bool seen[3200] = {false};
    for (int64_t row = 0; row < t->count; row++) {
        if (t->slot[row] != a->slot[anchor] || look.is_empty || !twin_same(w, c, anchor, row)) {
            continue;
        }
        bool passes = true;
        for (int i = 0; i < look.window_count; i++) {
            passes = passes &&
                     twin_passes(&look.window[i], t->column[PC_START][row], t->column[PC_END][row]);
        }
        if (!passes) continue;
        count++;
        if (t->column[PC_VALUE_COLUMN][row] != PC_NULL) sum += t->column[PC_VALUE_COLUMN][row];
        if (first < 0) first = row;
        if (last < 0 || t->column[PC_START][row] > t->column[PC_START][last]) last = row;
        if (c->bound->distinct >= 0 && t->column[c->bound->distinct][row] != PC_NULL) {
            const int64_t value = t->column[c->bound->distinct][row] % 3200;
            distinct += !seen[value];
            seen[value] = true;
        }
    }
    int64_t window_days = 0;
    bool by_one = false;
    const int64_t days = twin_days(w, c, &look, anchor, &window_days, &by_one);
    const int64_t edge = c->verb == PC_VERB_FIRST ? first : last;
    switch (c->verb) {
        case PC_VERB_SOME:
            return count > 0;
        case PC_VERB_NONE:
            return count == 0;
        case PC_VERB_COUNT:
            return c->bound->distinct >= 0 ? distinct : count;
        case PC_VERB_SUM:
            return sum;
        case PC_VERB_FIRST:
        case PC_VERB_LAST:
            if (edge < 0) return PC_NULL;
            if (c->bound->take >= 0) return t->column[c->bound->take][edge];
            return look.anchor_day == PC_OPEN ? PC_NULL
                                              : t->column[PC_START][edge] - look.anchor_day;
        case PC_VERB_COVERED_BY:
            return by_one;
        case PC_VERB_DAYS_OF:
            return days;
        default: {
            if (window_days < 0) return PC_NULL;
            const double share = (double)days / (double)window_days;
            int64_t bits = 0;
            memcpy(&bits, &share, sizeof bits);
            return bits;
        }
    }
}

static void random_window(world *w, pc_window *window)
{
    static const int span[] = {0, 200, 8, 2, 600};
    *window = (pc_window){.unit = (pc_window_unit)below(w, 5),
                          .from_end = below(w, 4) == 0,
                          .part = (pc_window_part)below(w, 4)};
    const int size = span[window->unit];
    window->pair.has_low = window->unit != PC_WINDOW_ALL && below(w, 5) > 0;
    window->pair.has_high = window->unit != PC_WINDOW_ALL && below(w, 5) > 0;
    window->pair.low = below(w, 2 * size + 1) - size;
    window->pair.high = window->pair.low + below(w, size + 1);
    if (window->unit == PC_WINDOW_DATES) {
        window->pair.low += 18000;
        window->pair.high += 18000;
    }
}

static void test_looks_are_those_of_the_twin(void)
{
    const uint64_t seed = 20190101;
    printf("seed %llu ", (unsigned long long)seed);
    world w;
    open_world(&w, seed);
    int64_t compared = 0, wrong = 0, not_null = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 3; i++)
            make_timeline(&w, &w.node[i], true);
        const int64_t anchors = w.node[0].records.count;
        int64_t *result = pc_arena_array(&w.arena, (size_t)anchors + 1, sizeof *result, NULL);
        uint8_t *active = pc_arena_array(&w.arena, (size_t)anchors + 1, 1, NULL);
        memset(active, 1, (size_t)anchors);
        for (int look = 0; look < 40; look++) {
            int stay = PC_STAY_COLUMN, kind = KIND;
            pc_window window[3];
            pc_bound bound = {.same_here = &stay,
                              .same_there = &kind,
                              .different_here = &kind,
                              .different_there = &kind,
                              .distinct = -1,
                              .take = -1,
                              .result = -1,
                              .type = PC_INT};
            pc_condition c = {.path = "c",
                              .verb = (pc_verb)below(&w, PC_VERB_COVERED_BY + 1),
                              .timeline = &w.ref[1],
                              .window_count = below(&w, 3),
                              .window = window,
                              .bound = &bound};
            for (int i = 0; i < c.window_count; i++)
                random_window(&w, &window[i]);
            if (below(&w, 3) == 0) c.during = &w.ref[2];
            if (below(&w, 4) == 0) c.same.count = 1;
            if (below(&w, 4) == 0) c.different.count = 1;
            if (c.verb == PC_VERB_COUNT && below(&w, 2) == 0) {
                bound.distinct = below(&w, 2) == 0 ? PC_START : KIND;
            }
            if (c.verb >= PC_VERB_FIRST && c.verb <= PC_VERB_LAST && below(&w, 2) == 0) {
                bound.take = KIND;
            }
            CU_ASSERT_EQUAL(
                pc_timeline_look(&w.eval, &c, &w.node[0].records, &w.def[0], active, result, NULL),
                PC_OK);
            for (int64_t anchor = look % 7; anchor < anchors; anchor += 7) {
                const int64_t expected = twin_value(&w, &c, anchor);
                compared++;
                wrong += expected != result[anchor];
                not_null += expected != PC_NULL && expected != 0;
                if (expected != result[anchor] && wrong < 5) {
                    printf("\nverb %d windows %d unit %d part %d end %d during %d anchor %lld: "
                           "%lld, expected %lld\n",
                           (int)c.verb, c.window_count, (int)window[0].unit, (int)window[0].part,
                           (int)window[0].from_end, c.during != NULL, (long long)anchor,
                           (long long)result[anchor], (long long)expected);
                }
            }
        }
        pc_arena_reset(&w.arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(compared > 5000 && not_null > compared / 10);
    close_world(&w);
}

/** The order of docs/study.md, by the texts of codes. */
static int twin_order(const pc_records *r, int64_t a, int64_t b)
{
    static const int by_text[] = {3, 0, 2, 1}; // delta, alpha, charlie, bravo
    if (r->slot[a] != r->slot[b]) return r->slot[a] < r->slot[b] ? -1 : 1;
    for (int i = 0; i < COLUMNS; i++) {
        int64_t x = r->column[i][a], y = r->column[i][b];
        if (x == y) continue;
        if (x == PC_NULL || y == PC_NULL) return x == PC_NULL ? 1 : -1;
        if (i == PC_CODE_COLUMN) {
            x = by_text[x];
            y = by_text[y];
        }
        return x < y ? -1 : 1;
    }
    return 0;
}

static void test_records_are_put_in_order(void)
{
    world w;
    open_world(&w, 7);
    for (int round = 0; round < 100; round++) {
        make_timeline(&w, &w.node[0], false);
        pc_records *r = &w.node[0].records;
        int64_t sum = 0, sum_after = 0;
        for (int64_t row = 0; row < r->count; row++) {
            sum += r->column[PC_START][row] * (r->slot[row] + 1);
            // Some ties on the first columns.
            if (row > 0 && below(&w, 3) == 0 && r->slot[row] == r->slot[row - 1]) {
                sum +=
                    (r->column[PC_START][row - 1] - r->column[PC_START][row]) * (r->slot[row] + 1);
                r->column[PC_START][row] = r->column[PC_START][row - 1];
                r->column[PC_END][row] = r->column[PC_END][row - 1];
            }
        }
        const pc_record_schema schema = {COLUMNS, w.column};
        CU_ASSERT_EQUAL(pc_records_sort(r, COLUMNS, &schema, &w.eval.words, &w.eval.scratch, NULL),
                        PC_OK);
        for (int64_t row = 0; row < r->count; row++) {
            sum_after += r->column[PC_START][row] * (r->slot[row] + 1);
            if (row > 0) CU_ASSERT(twin_order(r, row - 1, row) <= 0);
        }
        CU_ASSERT_EQUAL(sum, sum_after);
        pc_arena_reset(&w.arena);
    }
    close_world(&w);
}

static bool same_group(const pc_records *r, const int *key, int key_count, int64_t a, int64_t b)
{
    if (r->slot[a] != r->slot[b]) return false;
    for (int i = 0; i < key_count; i++) {
        if (r->column[key[i]][a] != r->column[key[i]][b]) return false;
    }
    return true;
}

static void test_groups_are_those_of_the_twin(void)
{
    world w;
    open_world(&w, 11);
    int64_t groups = 0;
    for (int round = 0; round < 200; round++) {
        int key[] = {KIND, PC_CODE_COLUMN};
        const int key_count = 1 + below(&w, 2);
        make_timeline(&w, &w.node[0], true);
        const pc_records before = w.node[0].records;
        w.def[0].is_grouped = true;
        w.def[0].group.count = key_count;
        w.typed[0].group = key;
        CU_ASSERT_EQUAL(pc_timeline_group(&w.eval, &w.node[0], NULL), PC_OK);
        const pc_records *after = &w.node[0].records;
        int64_t expected_count = 0;
        for (int64_t row = 0; row < before.count; row++) {
            bool is_first = true;
            int64_t start = PC_OPEN, end = 0, sum = PC_NULL;
            for (int64_t other = 0; other < before.count; other++) {
                if (!same_group(&before, key, key_count, row, other)) continue;
                is_first = is_first && other >= row;
                const int64_t value = before.column[PC_VALUE_COLUMN][other];
                if (before.column[PC_START][other] < start) start = before.column[PC_START][other];
                if (before.column[PC_END][other] > end) end = before.column[PC_END][other];
                if (value != PC_NULL) sum = (sum == PC_NULL ? 0 : sum) + value;
            }
            if (!is_first) continue;
            expected_count++;
            int64_t found = 0;
            for (int64_t g = 0; g < after->count; g++) {
                bool same =
                    after->slot[g] == before.slot[row] && after->column[PC_START][g] == start &&
                    after->column[PC_END][g] == end && after->column[PC_VALUE_COLUMN][g] == sum;
                for (int i = 0; i < key_count; i++) {
                    same = same && after->column[key[i]][g] == before.column[key[i]][row];
                }
                found += same;
            }
            CU_ASSERT(found >= 1);
        }
        CU_ASSERT_EQUAL(after->count, expected_count);
        groups += expected_count;
        pc_arena_reset(&w.arena);
        pc_arena_reset(&w.eval.arena);
    }
    CU_ASSERT(groups > 5000);
    close_world(&w);
}

static void test_codes_of_a_group_are_joined(void)
{
    world w;
    open_world(&w, 3);
    pc_records *r = &w.node[0].records;
    static const int64_t code[] = {0, 3, PC_NULL, 0, 1}; // delta, bravo, null, delta, alpha
    CU_ASSERT_EQUAL(pc_records_open(r, COLUMNS, w.needed, &w.arena, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_records_reserve(r, 5, &w.arena, NULL), PC_OK);
    for (int i = 0; i < 5; i++) {
        add_record(&w, r, 0);
        r->column[PC_CODE_COLUMN][i] = code[i];
        r->column[KIND][i] = 9;
    }
    int key = KIND;
    w.def[0].is_grouped = true;
    w.def[0].group.count = 1;
    w.typed[0].group = &key;
    CU_ASSERT_EQUAL(pc_timeline_group(&w.eval, &w.node[0], NULL), PC_OK);
    CU_ASSERT_EQUAL(w.node[0].records.count, 1);
    const pc_span joined =
        pc_dict_text(w.eval.words.dict, (uint32_t)w.node[0].records.column[PC_CODE_COLUMN][0]);
    CU_ASSERT(pc_span_equal(joined, pc_span_of("alpha+bravo+delta")));
    close_world(&w);
}

static void test_pick_and_apart(void)
{
    static const int64_t start[] = {10, 10, 15, 19, 20, 30, 30, 5};
    static const int32_t slot[] = {0, 0, 0, 0, 0, 0, 0, 1};
    static const int64_t kind[] = {1, 2, 1, 2, 1, 1, 1, 1};
    static const struct {
        pc_pick pick;
        int64_t apart;
        int per_count;
        const char *kept; // one character a record
    } cases[] = {{PC_PICK_FIRST, -1, 0, "10000001"}, {PC_PICK_LAST, -1, 0, "00000101"},
                 {PC_PICK_ALL, 10, 0, "10001101"},   {PC_PICK_ALL, 0, 0, "11111111"},
                 {PC_PICK_FIRST, -1, 1, "11000001"}, {PC_PICK_LAST, -1, 1, "00010101"},
                 {PC_PICK_ALL, 6, 1, "11011101"},    {PC_PICK_LAST, 10, 0, "00000101"}};
    world w;
    open_world(&w, 5);
    pc_records *r = &w.node[0].records;
    CU_ASSERT_EQUAL(pc_records_open(r, COLUMNS, w.needed, &w.arena, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_records_reserve(r, 8, &w.arena, NULL), PC_OK);
    for (int i = 0; i < 8; i++) {
        add_record(&w, r, slot[i]);
        r->column[PC_START][i] = start[i];
        r->column[KIND][i] = kind[i];
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int per = KIND;
        uint8_t keep[8];
        CU_ASSERT_EQUAL(pc_timeline_pick(&w.eval, r, cases[i].pick, cases[i].apart, &per,
                                         cases[i].per_count, keep, NULL),
                        PC_OK);
        char text[9] = "";
        for (int row = 0; row < 8; row++)
            text[row] = keep[row] ? '1' : '0';
        // Of the two records on day 30, `apart` 10 keeps the first.
        const bool is_expected = strcmp(text, cases[i].kept) == 0;
        CU_ASSERT(is_expected);
        if (!is_expected) printf("\ncase %zu: %s, expected %s\n", i, text, cases[i].kept);
    }
    close_world(&w);
}

PC_TEST_MAIN("timeline", {"looks are those of the twin", test_looks_are_those_of_the_twin},
             {"records are put in order", test_records_are_put_in_order},
             {"groups are those of the twin", test_groups_are_those_of_the_twin},
             {"codes of a group are joined", test_codes_of_a_group_are_joined},
             {"pick and apart", test_pick_and_apart});
