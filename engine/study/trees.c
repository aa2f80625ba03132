// Codes of a tree (the concepts of OMOP): a code with what is below it, or maps to it.
#include <stdio.h>
#include <string.h>
#include "../circe/concepts.h"
#include "study_read.h"

/** A code as it is written: digits behind its marks. */
static bool read_concept(pc_span text, int64_t *out)
{
    return text.bytes > 0 && text.data[0] >= '0' && text.data[0] <= '9' && pc_int_parse(text, out);
}

bool pc_tree_code_is_good(const char *code)
{
    int64_t concept;
    return read_concept(pc_span_of(code), &concept);
}

static bool is_tree(const pc_study *study, const pc_code_pattern *pattern)
{
    return study->model->system[pattern->system].kind == PC_SYSTEM_TREE;
}

/** The concepts of the tree's codes of a set. */
static pc_status expand(const pc_study *study, const char *place, const pc_code_pattern *all,
                        int count, const int64_t **concept, int64_t *concept_count, pc_error *err)
{
    circe_concepts *concepts = NULL;
    circe_vocabulary vocabulary;
    int items = 0, set;
    circe_item *item = pc_arena_array(study->arena, (size_t)count + 1, sizeof *item, err);
    if (item == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (!is_tree(study, &all[i])) continue;
        circe_item *to = &item[items++];
        *to = (circe_item){.is_excluded = all[i].is_except,
                           .descendants = !all[i].exact,
                           .mapped = all[i].is_mapped};
        (void)read_concept(all[i].low, &to->concept); // parse_codes.c has looked at it
    }
    PC_TRY(circe_vocabulary_of(study->store, &vocabulary, err));
    PC_TRY(circe_concepts_new(study->arena, &concepts, err));
    PC_TRY(circe_concepts_add(concepts, item, items, place, &set, err));
    PC_TRY(circe_concepts_expand(concepts, &vocabulary, err));
    *concept = circe_concepts_of(concepts, set, concept_count);
    return PC_OK;
}

/** The patterns of other systems, then each concept as a code of its own. */
static pc_status replace(const pc_study *study, const int64_t *concept, int64_t concept_count,
                         const pc_code_pattern **all, int *count, pc_error *err)
{
    enum { DIGITS = 24 };
    const size_t room = (size_t)*count + (size_t)concept_count;
    pc_code_pattern *out = pc_arena_array(study->arena, room + 1, sizeof *out, err);
    char *text = pc_arena_raw(study->arena, (size_t)concept_count * DIGITS + 1, err);
    if (out == NULL || text == NULL) return PC_NO_MEMORY;
    int made = 0, system = 0;
    for (int i = 0; i < *count; i++) {
        if (is_tree(study, &(*all)[i])) {
            system = (*all)[i].system;
        } else {
            out[made++] = (*all)[i];
        }
    }
    for (int64_t i = 0; i < concept_count; i++, text += DIGITS) {
        const int bytes = snprintf(text, DIGITS, "%lld", (long long)concept[i]);
        out[made++] = (pc_code_pattern){
            .system = system, .exact = true, .low = {text, bytes > 0 ? (size_t)bytes : 0}};
    }
    *all = out;
    *count = made;
    return PC_OK;
}

pc_status pc_tree_expand(pc_loader *loader, const pc_codes *codes, const pc_code_pattern **all,
                         int *count)
{
    const pc_study *study = loader->study;
    const int64_t *concept = NULL;
    int64_t concept_count = 0;
    bool has_tree = false;
    for (int i = 0; i < *count; i++)
        has_tree = has_tree || is_tree(study, &(*all)[i]);
    if (!has_tree || study->store == NULL) return PC_OK;
    pc_error why = {0};
    pc_status status = expand(study, codes->path, *all, *count, &concept, &concept_count, &why);
    if (status == PC_OK) return replace(study, concept, concept_count, all, count, loader->err);
    if (status != PC_BAD_JOB) return pc_fail(loader->err, status, "%s", why.text);
    return pc_problem_at(loader, codes->path, "codes", "%s", why.text);
}
