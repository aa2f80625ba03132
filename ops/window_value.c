/** The values of window functions over one partition. Aggregates over a frame add the rows that
 *  enter it and take away those that leave it, which is exact: sums are whole numbers, or not
 *  rounded. A minimum keeps the rows that can still become one. */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "aggregate.h"
#include "window.h"

/** What all functions need. */
typedef struct window_pass {
    const pc_plan *node;
    const pc_window_rows *rows;
    const pc_window_part *part;
    pc_window_state *state;
} window_pass;

static void put_int(pc_window_state *s, int64_t row, int64_t value)
{
    s->word[row] = value;
    s->valid[row >> 6] |= UINT64_C(1) << (row & 63);
}

static void put_real(pc_window_state *s, int64_t row, double value)
{
    int64_t word;
    memcpy(&word, &value, sizeof word);
    put_int(s, row, word);
}

static void number_rows(const window_pass *p)
{
    const pc_window_rows *r = p->rows;
    const int64_t begin = p->part->begin;
    const int64_t count = p->part->end - begin;
    int64_t dense = 0;
    for (int64_t at = begin; at < p->part->end; at++) {
        const int64_t row = r->index[at];
        const int64_t rank = r->peers_begin[at] - begin + 1;
        dense += r->peers_begin[at] == at;
        switch (p->state->call->function) {
            case PC_WINDOW_ROW_NUMBER:
                put_int(p->state, row, at - begin + 1);
                break;
            case PC_WINDOW_RANK:
                put_int(p->state, row, rank);
                break;
            case PC_WINDOW_DENSE_RANK:
                put_int(p->state, row, dense);
                break;
            case PC_WINDOW_PERCENT_RANK:
                put_real(p->state, row, count == 1 ? 0 : (double)(rank - 1) / (double)(count - 1));
                break;
            default: // CUME_DIST
                put_real(p->state, row, (double)(r->peers_end[at] - begin) / (double)count);
        }
    }
}

// The whole number that the second argument gives for a row; 1 where there is none. False: null.
static bool second_of(const window_pass *p, int64_t row, int64_t *out)
{
    *out = 1;
    if (p->state->second < 0) return true;
    const pc_column *c = &p->rows->column[p->state->second];
    if (pc_column_is_null(c, row)) return false;
    *out = pc_column_int(c, row);
    return true;
}

static pc_status not_positive(const window_pass *p, pc_error *err)
{
    return PC_FAIL(err, PC_BAD_INPUT, "column '%s': the argument must be greater than zero",
                   p->state->call->field.name);
}

// The first rows % n buckets have one row more.
static pc_status split_evenly(const window_pass *p, pc_error *err)
{
    const int64_t begin = p->part->begin;
    const int64_t count = p->part->end - begin;
    int64_t buckets;
    if (!second_of(p, p->rows->index[begin], &buckets)) return PC_OK;
    if (buckets <= 0) return not_positive(p, err);
    const int64_t size = count / buckets;
    const int64_t larger = count % buckets * (size + 1); // rows in larger buckets
    for (int64_t at = 0; at < count; at++) {
        const int64_t bucket =
            at < larger ? at / (size + 1) : count % buckets + (at - larger) / size;
        put_int(p->state, p->rows->index[begin + at], bucket + 1);
    }
    return PC_OK;
}

static void look_around(const window_pass *p)
{
    const bool back = p->state->call->function == PC_WINDOW_LAG;
    for (int64_t at = p->part->begin; at < p->part->end; at++) {
        const int64_t row = p->rows->index[at];
        int64_t offset;
        p->state->source[row] = -1;
        if (!second_of(p, row, &offset)) continue;
        const pc_int128 place = back ? (pc_int128)at - offset : (pc_int128)at + offset;
        const bool there = place >= p->part->begin && place < p->part->end;
        if (there) p->state->source[row] = p->rows->index[place];
        if (p->state->missed != NULL) p->state->missed[row] = !there;
    }
}

static pc_status pick_from_frame(const window_pass *p, pc_error *err)
{
    const pc_window_function function = p->state->call->function;
    for (int64_t at = p->part->begin; at < p->part->end; at++) {
        const int64_t row = p->rows->index[at];
        int64_t begin;
        int64_t end;
        int64_t n;
        p->state->source[row] = -1;
        pc_window_frame(p->node, p->rows, p->part, &p->state->call->frame, at, &begin, &end);
        const bool known = second_of(p, row, &n);
        if (function == PC_WINDOW_NTH_VALUE && known && n <= 0) return not_positive(p, err);
        if (!known || begin >= end) continue;
        if (function == PC_WINDOW_FIRST_VALUE) n = 1;
        if (function == PC_WINDOW_LAST_VALUE) n = end - begin;
        if (n <= end - begin) p->state->source[row] = p->rows->index[begin + n - 1];
    }
    return PC_OK;
}

/** An aggregate over the places begin .. end - 1. */
typedef struct sliding {
    const window_pass *pass;
    const pc_aggregate *aggregate;
    const pc_column *arg;    ///< or NULL
    const pc_column *filter; ///< or NULL
    int64_t begin, end;
    int64_t count;
    pc_squares whole;      ///< sums of integers and decimals
    pc_exact_squares real; ///< sums of floats
} sliding;

// The row of a place, if the aggregate takes it.
static bool takes(const sliding *s, int64_t at, int64_t *row)
{
    *row = s->pass->rows->index[at];
    if (s->filter != NULL &&
        (pc_column_is_null(s->filter, *row) || pc_column_int(s->filter, *row) == 0)) {
        return false;
    }
    return s->arg == NULL || !pc_column_is_null(s->arg, *row);
}

static bool needs_squares(const sliding *s)
{
    return s->aggregate->function >= PC_VAR_POP && s->aggregate->function <= PC_STDDEV_SAMP;
}

static void move(sliding *s, int64_t at, bool enters)
{
    int64_t row;
    if (!takes(s, at, &row)) return;
    s->count += enters ? 1 : -1;
    const bool counts =
        s->aggregate->function == PC_COUNT || s->aggregate->function == PC_COUNT_ROWS;
    if (counts) return;
    if (s->arg->type == PC_FLOAT) {
        const double value = ((const double *)s->arg->data)[row];
        pc_exact_squares_move(&s->real, value, enters, needs_squares(s));
    } else {
        const int64_t value = pc_column_int(s->arg, row);
        if (needs_squares(s)) {
            pc_squares_move(&s->whole, value, enters);
        } else {
            s->whole.sum += enters ? value : -(pc_int128)value;
        }
    }
}

// Frames never move back, so each row enters and leaves once.
static void slide_to(sliding *s, int64_t begin, int64_t end)
{
    if (begin >= s->end || begin < s->begin || end < s->end) {
        s->begin = s->end = begin;
        s->count = 0;
        s->whole = (pc_squares){.sum = 0};
        s->real = (pc_exact_squares){.sum = {.pending = 0}};
    }
    for (; s->end < end; s->end++) {
        move(s, s->end, true);
    }
    for (; s->begin < begin; s->begin++) {
        move(s, s->begin, false);
    }
}

static pc_status write_sum(const sliding *s, int64_t row, pc_error *err)
{
    pc_window_state *state = s->pass->state;
    const pc_aggregate_function function = s->aggregate->function;
    if (s->count == 0) return PC_OK;
    if (s->arg->type == PC_FLOAT) {
        const double sum = pc_exact_sum_round(&s->real.sum);
        put_real(state, row, function == PC_SUM ? sum : sum / (double)s->count);
        return PC_OK;
    }
    if (function == PC_AVG) {
        put_real(state, row, pc_mean(s->whole.sum, s->count, s->arg->scale));
        return PC_OK;
    }
    if (s->whole.sum > INT64_MAX || s->whole.sum < INT64_MIN) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "column '%s': a sum is beyond the range of 64-bit integers",
                       state->call->field.name);
    }
    put_int(state, row, (int64_t)s->whole.sum);
    return PC_OK;
}

static void write_variance(const sliding *s, int64_t row)
{
    const pc_aggregate_function function = s->aggregate->function;
    const bool is_sample = function == PC_VAR_SAMP || function == PC_STDDEV_SAMP;
    if (s->count < (is_sample ? 2 : 1)) return;
    const double variance =
        s->arg->type == PC_FLOAT
            ? pc_exact_squares_variance(&s->real, s->count, is_sample)
            : pc_squares_variance(&s->whole, s->count, s->arg->scale, is_sample);
    const bool is_root = function == PC_STDDEV_POP || function == PC_STDDEV_SAMP;
    put_real(s->pass->state, row, is_root ? sqrt(variance) : variance);
}

static pc_status sum_frames(const window_pass *p, sliding *s, pc_error *err)
{
    for (int64_t at = p->part->begin; at < p->part->end; at++) {
        const int64_t row = p->rows->index[at];
        int64_t begin;
        int64_t end;
        pc_window_frame(p->node, p->rows, p->part, &p->state->call->frame, at, &begin, &end);
        slide_to(s, begin, end);
        switch (s->aggregate->function) {
            case PC_COUNT:
            case PC_COUNT_ROWS:
                put_int(p->state, row, s->count);
                break;
            case PC_SUM:
            case PC_AVG:
                PC_TRY(write_sum(s, row, err));
                break;
            default:
                write_variance(s, row);
        }
    }
    return PC_OK;
}

// Places whose values can still be the extreme of a frame, the best first. `queue` has room for
// all places of the partition.
static void find_extremes(const window_pass *p, const sliding *s, uint32_t *queue)
{
    const int sign = s->aggregate->function == PC_MIN ? 1 : -1;
    int64_t head = 0;
    int64_t tail = 0;
    int64_t next = p->part->begin;
    for (int64_t at = p->part->begin; at < p->part->end; at++) {
        int64_t begin;
        int64_t end;
        int64_t row;
        pc_window_frame(p->node, p->rows, p->part, &p->state->call->frame, at, &begin, &end);
        for (; next < end; next++) {
            if (!takes(s, next, &row)) continue;
            while (tail > head &&
                   pc_window_compare(s->arg, p->rows->index[queue[tail - 1]], row) * sign >= 0) {
                tail--;
            }
            queue[tail++] = (uint32_t)next;
        }
        while (head < tail && queue[head] < begin) {
            head++;
        }
        const bool none = head == tail || begin >= end;
        p->state->source[p->rows->index[at]] = none ? -1 : (int64_t)p->rows->index[queue[head]];
    }
}

static pc_status aggregate_frames(const window_pass *p, uint32_t *queue, pc_error *err)
{
    const pc_aggregate *a = &p->state->call->aggregate;
    sliding s = {.pass = p, .aggregate = a, .begin = p->part->begin, .end = p->part->begin};
    if (p->state->arg >= 0) s.arg = &p->rows->column[p->state->arg];
    if (p->state->filter >= 0) s.filter = &p->rows->column[p->state->filter];
    if (a->function == PC_MIN || a->function == PC_MAX) {
        find_extremes(p, &s, queue);
        return PC_OK;
    }
    return sum_frames(p, &s, err);
}

pc_status pc_window_values(const pc_plan *node, const pc_window_rows *rows,
                           const pc_window_part *part, pc_window_state *state, uint32_t *queue,
                           pc_error *err)
{
    const window_pass pass = {node, rows, part, state};
    switch (state->call->function) {
        case PC_WINDOW_ROW_NUMBER:
        case PC_WINDOW_RANK:
        case PC_WINDOW_DENSE_RANK:
        case PC_WINDOW_PERCENT_RANK:
        case PC_WINDOW_CUME_DIST:
            number_rows(&pass);
            return PC_OK;
        case PC_WINDOW_NTILE:
            return split_evenly(&pass, err);
        case PC_WINDOW_LAG:
        case PC_WINDOW_LEAD:
            look_around(&pass);
            return PC_OK;
        case PC_WINDOW_FIRST_VALUE:
        case PC_WINDOW_LAST_VALUE:
        case PC_WINDOW_NTH_VALUE:
            return pick_from_frame(&pass, err);
        case PC_WINDOW_AGGREGATE:
            break;
    }
    return aggregate_frames(&pass, queue, err);
}
