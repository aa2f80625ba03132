/** Numbering words and pairs of numbers. */
#include <assert.h>
#include <string.h>
#include "intern.h"
#include "parcours/kernel.h"

enum {
    FIRST_CELLS = 64,
    // Cells of the plain table of pairs: 1 MiB, which stays in the second-level cache.
    MOST_DIRECT = 256 * 1024
};

// The finalizer of MurmurHash3: every bit of the word reaches every bit of the cell.
static inline uint64_t spread(uint64_t word)
{
    word ^= word >> 33;
    word *= UINT64_C(0xff51afd7ed558ccd);
    word ^= word >> 33;
    word *= UINT64_C(0xc4ceb9fe1a85ec53);
    return word ^ word >> 33;
}

static uint64_t *words_of(const pc_intern *intern)
{
    return (uint64_t *)(void *)intern->word.data;
}

static uint32_t *cells_of(const pc_intern *intern)
{
    return (uint32_t *)(void *)intern->cell.data;
}

static pc_status grow_cells(pc_intern *intern, uint64_t cell_count, pc_error *err)
{
    pc_buffer next = {.budget = intern->budget};
    PC_TRY(pc_buffer_reserve(&next, cell_count * sizeof(uint32_t), err));
    next.bytes = cell_count * sizeof(uint32_t);
    memset(next.data, 0, next.bytes);
    uint32_t *cell = (uint32_t *)(void *)next.data;
    const uint64_t *word = words_of(intern);
    for (uint32_t i = 0; i < intern->count; i++) {
        uint64_t at = spread(word[i]) & (cell_count - 1);
        while (cell[at] != 0) {
            at = (at + 1) & (cell_count - 1);
        }
        cell[at] = i + 1;
    }
    pc_buffer_release(&intern->cell);
    intern->cell = next;
    intern->mask = cell_count - 1;
    return PC_OK;
}

pc_status pc_intern_reserve(pc_intern *intern, int more, pc_error *err)
{
    const uint64_t wanted = (uint64_t)intern->count + (uint64_t)more;
    if (wanted > PC_INTERN_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "more than %d groups or distinct values",
                       (int)PC_INTERN_MAX);
    }
    intern->word.budget = intern->budget;
    intern->word.bytes = (size_t)intern->count * sizeof(uint64_t); // what growing must keep
    PC_TRY(pc_buffer_reserve(&intern->word, wanted * sizeof(uint64_t), err));
    uint64_t cell_count = intern->cell.data == NULL ? FIRST_CELLS : intern->mask + 1;
    if (intern->cell.data != NULL && wanted * 2 <= cell_count) return PC_OK;
    while (wanted * 2 > cell_count) {
        cell_count *= 2;
    }
    return grow_cells(intern, cell_count, err);
}

static inline uint32_t add(pc_intern *intern, uint32_t *cell, uint64_t mask, uint64_t *known,
                           uint64_t word)
{
    uint64_t at = spread(word) & mask;
    for (; cell[at] != 0; at = (at + 1) & mask) {
        const uint32_t number = cell[at] - 1;
        if (known[number] == word) return number;
    }
    const uint32_t number = intern->count++;
    known[number] = word;
    cell[at] = number + 1;
    return number;
}

uint32_t pc_intern_add(pc_intern *intern, uint64_t word)
{
    assert((uint64_t)intern->count * 2 <= intern->mask);
    return add(intern, cells_of(intern), intern->mask, words_of(intern), word);
}

void pc_intern_add_all(pc_intern *intern, const uint64_t *word, int count, uint32_t *number)
{
    uint32_t *cell = cells_of(intern);
    uint64_t *known = words_of(intern);
    const uint64_t mask = intern->mask;
    for (int i = 0; i < count; i++) {
        const bool again = i > 0 && word[i] == word[i - 1];
        number[i] = again ? number[i - 1] : add(intern, cell, mask, known, word[i]);
    }
}

uint64_t pc_intern_word(const pc_intern *intern, uint32_t number)
{
    assert(number < intern->count);
    return words_of(intern)[number];
}

void pc_intern_release(pc_intern *intern)
{
    pc_buffer_release(&intern->word);
    pc_buffer_release(&intern->cell);
    intern->count = 0;
    intern->mask = 0;
}

static uint64_t pair_word(uint32_t left, uint32_t right)
{
    return (uint64_t)left << 32 | right;
}

// Makes the plain table large enough, or gives it up.
static pc_status fit_direct(pc_pairs *pairs, uint32_t left_count, uint32_t right_count,
                            pc_error *err)
{
    if (pairs->hashed) return PC_OK;
    if (left_count <= pairs->left_room && right_count <= UINT32_C(1) << pairs->shift) return PC_OK;
    uint64_t left_room = pairs->left_room == 0 ? 1 : pairs->left_room;
    int shift = pairs->shift;
    while (left_room < left_count) {
        left_room *= 2;
    }
    while ((UINT64_C(1) << shift) < right_count) {
        shift++;
    }
    if ((left_room << shift) > MOST_DIRECT) {
        pairs->hashed = true;
        pc_buffer_release(&pairs->direct);
        return PC_OK;
    }
    const size_t bytes = (size_t)(left_room << shift) * sizeof(uint32_t);
    PC_TRY(pc_buffer_reserve(&pairs->direct, bytes, err));
    pairs->direct.bytes = bytes;
    pairs->left_room = (uint32_t)left_room;
    pairs->shift = shift;
    memset(pairs->direct.data, 0xff, bytes); // PC_PAIR_NONE everywhere
    uint32_t *direct = (uint32_t *)(void *)pairs->direct.data;
    for (uint32_t i = 0; i < pairs->intern.count; i++) {
        const uint64_t word = words_of(&pairs->intern)[i];
        direct[((word >> 32) << shift) + (uint32_t)word] = i;
    }
    return PC_OK;
}

// Numbers of pairs that are known. False: one is not.
PC_KERNEL static bool number_known(const uint32_t *direct, int shift, const uint32_t *left,
                                   const uint32_t *right, int row_count, uint32_t *number)
{
    uint32_t unknown = 0;
    for (int row = 0; row < row_count; row++) {
        number[row] = direct[((size_t)left[row] << shift) + right[row]];
        unknown |= number[row] == PC_PAIR_NONE;
    }
    return unknown == 0;
}

// The same where all rows have left 0: of a first key.
PC_KERNEL static bool number_first_known(const uint32_t *direct, const uint32_t *right,
                                         int row_count, uint32_t *number)
{
    uint32_t unknown = 0;
    for (int row = 0; row < row_count; row++) {
        number[row] = direct[right[row]];
        unknown |= number[row] == PC_PAIR_NONE;
    }
    return unknown == 0;
}

static void number_direct(pc_pairs *pairs, const uint32_t *left, const uint32_t *right,
                          int row_count, uint32_t *out)
{
    uint32_t *direct = (uint32_t *)(void *)pairs->direct.data;
    const int shift = pairs->shift;
    for (int row = 0; row < row_count; row++) {
        uint32_t *cell = &direct[((size_t)left[row] << shift) + right[row]];
        if (*cell == PC_PAIR_NONE) {
            *cell = pc_intern_add(&pairs->intern, pair_word(left[row], right[row]));
        }
        out[row] = *cell;
    }
}

pc_status pc_pairs_number(pc_pairs *pairs, const uint32_t *left, uint32_t left_count,
                          const uint32_t *right, uint32_t right_count, int row_count, uint32_t *out,
                          pc_error *err)
{
    assert(row_count <= PC_BATCH_ROWS);
    PC_TRY(fit_direct(pairs, left_count, right_count, err));
    PC_TRY(pc_intern_reserve(&pairs->intern, row_count, err));
    if (!pairs->hashed) {
        const uint32_t *direct = (const uint32_t *)(const void *)pairs->direct.data;
        uint32_t number[PC_BATCH_ROWS]; // `out` may be `left`
        const bool known = left_count == 1
                               ? number_first_known(direct, right, row_count, number)
                               : number_known(direct, pairs->shift, left, right, row_count, number);
        if (known) {
            memcpy(out, number, (size_t)row_count * sizeof *out);
        } else {
            number_direct(pairs, left, right, row_count, out);
        }
        return PC_OK;
    }
    uint64_t word[PC_BATCH_ROWS];
    for (int row = 0; row < row_count; row++) {
        word[row] = pair_word(left[row], right[row]);
    }
    pc_intern_add_all(&pairs->intern, word, row_count, out);
    return PC_OK;
}

void pc_pairs_release(pc_pairs *pairs)
{
    pc_intern_release(&pairs->intern);
    pc_buffer_release(&pairs->direct);
    pairs->left_room = 0;
    pairs->shift = 0;
    pairs->hashed = false;
}
