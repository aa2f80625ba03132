/** @file coder.h
 *  The distinct values of one column, numbered: 0 is null, 1, 2 ... in order of arrival. Whatever
 *  the type, width and dictionary of a batch, equal values get equal numbers. Private to ops/.
 */
#ifndef PC_OPS_CODER_H
#define PC_OPS_CODER_H
#include "intern.h"

typedef struct pc_coder {
    pc_field field;        ///< type, scale and width of the values
    pc_budget *budget;     ///< borrowed
    bool is_text;          ///< values are kept as texts, else as words
    pc_intern value;       ///< words, number - 1
    pc_dict_builder *text; ///< texts, index = number - 1; owned
    pc_dict_mark dict;     ///< the dictionary that `map` is of
    pc_buffer map;         ///< uint32: its index to number; or value - base to number. 0: not yet
    int64_t base;          ///< first value of the window of `map`
    bool has_base;
} pc_coder;

/** Makes a coder for values of a type. Local. */
pc_status pc_coder_open(pc_coder *coder, const pc_field *field, pc_budget *budget,
                        pc_error *err) PC_MUST_CHECK;
/** Gives everything back. Accepts a coder of zeros. */
void pc_coder_close(pc_coder *coder);
/** How many numbers there are, that of null included. */
uint32_t pc_coder_count(const pc_coder *coder);
/** [row_count] numbers of the values of a column, row_count <= PC_BATCH_ROWS. The column's
 *  dictionary must live and only grow until the next call of pc_coder_forget. Local.
 *  @return PC_NO_MEMORY, PC_BAD_INPUT (too many values) */
pc_status pc_coder_number(pc_coder *coder, const pc_column *column, int row_count, uint32_t *number,
                          pc_error *err) PC_MUST_CHECK;
/** Forgets the last dictionary, which is about to go. */
void pc_coder_forget(pc_coder *coder);
/** Order of two numbers by their values: dates and numbers by size, texts and ids by bytes, nan
 *  last. Neither is null. <0, 0, >0. */
int pc_coder_compare(const pc_coder *coder, uint32_t a, uint32_t b);
/** For each number a word whose order is that of the values ([pc_coder_count], of null 0), in
 *  `arena`. Cost: that of sorting the texts. */
pc_status pc_coder_keys(const pc_coder *coder, pc_arena *arena, uint64_t **key,
                        pc_error *err) PC_MUST_CHECK;
/** The values of numbers as a column in `arena`; texts lie in the coder. */
pc_status pc_coder_column(const pc_coder *coder, const uint32_t *number, int row_count,
                          pc_arena *arena, pc_column *out, pc_error *err) PC_MUST_CHECK;

#endif
