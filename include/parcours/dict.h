/** @file parcours/dict.h
 *  A dictionary: the distinct texts of a code system, each with an index.
 */
#ifndef PC_DICT_H
#define PC_DICT_H
#include <stdbool.h>
#include <stdint.h>
#include "parcours/text.h"

/** Texts by index. Sorted by bytes when `sorted`: then the order of indices is that of texts. */
typedef struct pc_dict {
    uint32_t count;
    bool sorted;
    const uint64_t *offset; ///< [count + 1] where text i begins in `bytes`; the first need not be 0
    const char *bytes;      ///< all texts, one behind the other
    uint64_t serial; ///< tells it from another one that later stands at its address; 0: none will
} pc_dict;

#define PC_DICT_NONE UINT32_MAX // no such text

/** The dictionary that something was learned of. Begin with zeros. */
typedef struct pc_dict_mark {
    const pc_dict *dict;
    uint64_t serial;
} pc_dict_mark;
static inline pc_dict_mark pc_dict_mark_of(const pc_dict *dict)
{
    return (pc_dict_mark){dict, dict->serial};
}
static inline bool pc_dict_is_marked(pc_dict_mark mark, const pc_dict *dict)
{
    return mark.dict == dict && mark.serial == dict->serial;
}

static inline pc_span pc_dict_text(const pc_dict *dict, uint32_t index)
{
    return (pc_span){dict->bytes + dict->offset[index],
                     (size_t)(dict->offset[index + 1] - dict->offset[index])};
}

/** Index of `text` in a sorted dictionary, or PC_DICT_NONE. Binary search. Local. */
uint32_t pc_dict_find(const pc_dict *dict, pc_span text);
/** First index whose text is >= `text` in a sorted dictionary (count if none). */
uint32_t pc_dict_lower(const pc_dict *dict, pc_span text);
/** The half-open range of indices whose texts begin with `prefix`, in a sorted dictionary. */
void pc_dict_prefix(const pc_dict *dict, pc_span prefix, uint32_t *from, uint32_t *to);

/** A dictionary that grows: texts get indices in order of arrival. Opaque. */
typedef struct pc_dict_builder pc_dict_builder;

/** Memory comes from `budget` (borrowed) as it grows. Local. */
pc_status pc_dict_builder_new(pc_budget *budget, pc_dict_builder **out,
                              pc_error *err) PC_MUST_CHECK;
void pc_dict_builder_free(pc_dict_builder *builder);
/** The index of `text`, a new one when it is not there yet. O(1). At most 2^32 - 2 texts. */
pc_status pc_dict_builder_add(pc_dict_builder *builder, pc_span text, uint32_t *index,
                              pc_error *err) PC_MUST_CHECK;
/** A view of what is there: `dict` stays at its address for the life of the builder and its
 *  contents follow each add (not sorted). */
const pc_dict *pc_dict_builder_view(const pc_dict_builder *builder);
/** What the builder takes of its budget. Local. */
size_t pc_dict_builder_bytes(const pc_dict_builder *builder);
/** A sorted copy in `arena` and, if `old_to_new` is not NULL, the new index of each old one
 *  ([count], in `arena`). */
pc_status pc_dict_builder_sort(const pc_dict_builder *builder, pc_arena *arena, pc_dict *out,
                               uint32_t **old_to_new, pc_error *err) PC_MUST_CHECK;

#endif
