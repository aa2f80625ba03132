/** Definitions to one program. */
#include "program.h"
#include <stdlib.h>
#include <string.h>
#include "parcours/hash.h"

/** Leaves found so far: an open hash of their keys. */
typedef struct compiler {
    pc_circe_program *out;
    pc_arena *arena;
    pc_error *err;
    pc_buffer leaf;  ///< const pc_circe_leaf *
    pc_buffer keys;  ///< all keys, behind each other
    pc_buffer place; ///< key_place of each leaf
    int *slot;       ///< [slot_count] leaf + 1
    size_t slot_count;
    pc_buffer pairs; ///< begin_pair
    int nested;
} compiler;

typedef struct key_place {
    uint64_t hash;
    size_t first, bytes;
} key_place;

typedef struct begin_pair {
    int leaf, definition;
} begin_pair;

static pc_status put_int(pc_buffer *out, int64_t value, pc_error *err)
{
    return pc_buffer_append(out, &value, sizeof value, err);
}

/** What makes a leaf this one and no other. */
static pc_status put_key(const pc_circe_leaf *leaf, pc_buffer *out, pc_error *err)
{
    const int64_t head[] = {leaf->domain,       leaf->set,          leaf->source_set,
                            leaf->is_first,     leaf->is_adjusted,  leaf->start_from_end,
                            leaf->end_from_end, leaf->start_offset, leaf->end_offset,
                            leaf->user_start,   leaf->user_end,     leaf->filter_count};
    PC_TRY(pc_buffer_append(out, head, sizeof head, err));
    for (int i = 0; i < leaf->filter_count; i++) {
        const pc_circe_filter *f = &leaf->filter[i];
        PC_TRY(put_int(out, f->op, err));
        PC_TRY(put_int(out, f->field, err));
        PC_TRY(pc_buffer_append(out, &f->low, sizeof f->low, err));
        PC_TRY(pc_buffer_append(out, &f->high, sizeof f->high, err));
        PC_TRY(put_int(out, f->set, err));
        PC_TRY(put_int(out, f->id_count, err));
        if (f->id_count > 0) {
            PC_TRY(pc_buffer_append(out, f->id, (size_t)f->id_count * sizeof *f->id, err));
        }
        const size_t bytes = f->text == NULL ? 0 : strlen(f->text);
        PC_TRY(put_int(out, (int64_t)bytes, err));
        if (bytes > 0) PC_TRY(pc_buffer_append(out, f->text, bytes, err));
    }
    return PC_OK;
}

static void note_filters(pc_circe_program *program, pc_circe_reads_of *reads,
                         const pc_circe_filter *filter, int count)
{
    for (int i = 0; i < count; i++) {
        const pc_circe_filter *f = &filter[i];
        if (f->op == PC_CIRCE_HOLDS_DAY) continue;
        if (f->op == PC_CIRCE_ABNORMAL || f->field == PC_CIRCE_LOW_RATIO ||
            f->field == PC_CIRCE_HIGH_RATIO) {
            // Of a measurement: its value, the ends of its range, its value as a concept.
            for (int c = 0; c < 4; c++)
                reads->column[PC_CIRCE_OWN_COLUMNS + c] = true;
        } else if (f->field >= PC_CIRCE_COLUMN) {
            reads->column[f->field - PC_CIRCE_COLUMN] = true;
        } else if (f->field == PC_CIRCE_SPECIALTY) {
            reads->column[PC_CIRCE_PROVIDER] = program->uses_specialty = true;
        } else if (f->field == PC_CIRCE_PLACE) {
            reads->column[PC_CIRCE_CARE_SITE] = program->uses_place = true;
        } else if (f->field == PC_CIRCE_VISIT_CONCEPT) {
            program->uses_visit_concept = true;
        }
    }
}

/** What the new leaf asks of its domain. */
static void note_leaf(pc_circe_program *program, const pc_circe_leaf *leaf)
{
    pc_circe_reads_of *reads = &program->domain[leaf->domain];
    reads->is_used = true;
    reads->column[PC_CIRCE_ID] = true;
    reads->column[PC_CIRCE_START_DATE] = true;
    reads->column[PC_CIRCE_END_DATE] = true;
    reads->column[PC_CIRCE_VISIT_ID] = true;
    if (leaf->domain == PC_CIRCE_DRUG) reads->column[PC_CIRCE_OWN_COLUMNS] = true; // days_supply
    if (leaf->set != PC_CIRCE_NO_SET) reads->has_sets = reads->column[PC_CIRCE_CONCEPT] = true;
    if (leaf->source_set != PC_CIRCE_NO_SET) reads->column[PC_CIRCE_SOURCE] = true;
    if (leaf->source_set != PC_CIRCE_NO_SET && leaf->set == PC_CIRCE_NO_SET) {
        reads->has_sources = true;
    }
    note_filters(program, reads, leaf->filter, leaf->filter_count);
}

static pc_status grow_slots(compiler *c)
{
    const size_t count = c->slot_count == 0 ? 1024 : c->slot_count * 2;
    int *slot = pc_arena_array(c->arena, count, sizeof *slot, c->err);
    if (slot == NULL) return PC_NO_MEMORY;
    const key_place *place = (const key_place *)(const void *)c->place.data;
    for (size_t i = 0; i < c->place.bytes / sizeof *place; i++) {
        size_t at = place[i].hash & (count - 1);
        while (slot[at] != 0)
            at = (at + 1) & (count - 1);
        slot[at] = (int)i + 1;
    }
    c->slot = slot;
    c->slot_count = count;
    return PC_OK;
}

/** The number of a leaf, a new one when no equal leaf is there. */
static pc_status number_leaf(compiler *c, const pc_circe_leaf *leaf, int *out)
{
    const size_t first = c->keys.bytes;
    PC_TRY(put_key(leaf, &c->keys, c->err));
    const size_t bytes = c->keys.bytes - first;
    const key_place new_place = {pc_hash64(c->keys.data + first, bytes), first, bytes};
    if ((size_t)c->out->leaf_count * 2 >= c->slot_count) PC_TRY(grow_slots(c));
    const key_place *place = (const key_place *)(const void *)c->place.data;
    size_t at = new_place.hash & (c->slot_count - 1);
    for (; c->slot[at] != 0; at = (at + 1) & (c->slot_count - 1)) {
        const key_place *other = &place[c->slot[at] - 1];
        if (other->hash != new_place.hash || other->bytes != bytes ||
            memcmp(c->keys.data + other->first, c->keys.data + first, bytes) != 0) {
            continue;
        }
        c->keys.bytes = first;
        *out = c->slot[at] - 1;
        return PC_OK;
    }
    PC_TRY(pc_buffer_append(&c->place, &new_place, sizeof new_place, c->err));
    PC_TRY(pc_buffer_append(&c->leaf, &leaf, sizeof(leaf), c->err));
    *out = c->out->leaf_count++;
    c->slot[at] = *out + 1;
    note_leaf(c->out, leaf);
    return PC_OK;
}

static pc_status number_group(compiler *c, pc_circe_group *group);

static pc_status number_criterion(compiler *c, pc_circe_criterion *criterion)
{
    PC_TRY(number_leaf(c, criterion->leaf, &criterion->leaf_index));
    if (criterion->group == NULL) return PC_OK;
    criterion->nested_index = c->nested++;
    return number_group(c, criterion->group);
}

// As deep as the document, which has at most 64 levels.
static pc_status number_group(compiler *c, pc_circe_group *group)
{
    for (int i = 0; i < group->correlated_count; i++) {
        pc_circe_correlated *correlated = &group->correlated[i];
        PC_TRY(number_criterion(c, &correlated->criterion));
        if (correlated->count_of < PC_CIRCE_COUNT_COLUMN) continue;
        c->out->domain[correlated->criterion.leaf->domain]
            .column[correlated->count_of - PC_CIRCE_COUNT_COLUMN] = true;
    }
    for (int i = 0; i < group->group_count; i++)
        PC_TRY(number_group(c, &group->group[i]));
    return PC_OK;
}

/** The exposures of an exit by drug era: by standard concept and by source concept. */
static pc_status number_era(compiler *c, pc_circe_definition *definition)
{
    for (int i = 0; i < 2; i++) {
        pc_circe_leaf *leaf = pc_arena_take(c->arena, sizeof *leaf, c->err);
        if (leaf == NULL) return PC_NO_MEMORY;
        *leaf = (pc_circe_leaf){.domain = PC_CIRCE_DRUG,
                                .set = i == 0 ? definition->era_set : PC_CIRCE_NO_SET,
                                .source_set = i == 1 ? definition->era_set : PC_CIRCE_NO_SET,
                                .user_start = PC_CIRCE_NO_DAY,
                                .user_end = PC_CIRCE_NO_DAY};
        PC_TRY(number_leaf(c, leaf, &definition->era_leaf[i]));
    }
    return PC_OK;
}

static pc_status number_definition(compiler *c, int index)
{
    pc_circe_definition *d = &c->out->definition[index];
    for (int i = 0; i < d->primary_count; i++) {
        PC_TRY(number_criterion(c, &d->primary[i]));
        const begin_pair pair = {d->primary[i].leaf_index, index};
        PC_TRY(pc_buffer_append(&c->pairs, &pair, sizeof pair, c->err));
    }
    if (d->additional != NULL) PC_TRY(number_group(c, d->additional));
    for (int i = 0; i < d->rule_count; i++)
        PC_TRY(number_group(c, d->rule[i].group));
    for (int i = 0; i < d->censoring_count; i++)
        PC_TRY(number_criterion(c, &d->censoring[i]));
    return d->exit == PC_CIRCE_EXIT_ERA ? number_era(c, d) : PC_OK;
}

/** Lists from pairs (list, item), in order of pairs. */
static pc_status make_lists(compiler *c, const begin_pair *pair, size_t count, int lists,
                            pc_circe_lists *out)
{
    int *first = pc_arena_array(c->arena, (size_t)lists + 2, sizeof *first, c->err);
    int *item = pc_arena_array(c->arena, count + 1, sizeof *item, c->err);
    if (first == NULL || item == NULL) return PC_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        first[pair[i].leaf + 2]++;
    for (int i = 0; i < lists; i++)
        first[i + 2] += first[i + 1];
    for (size_t i = 0; i < count; i++)
        item[first[pair[i].leaf + 1]++] = pair[i].definition;
    *out = (pc_circe_lists){first, item};
    return PC_OK;
}

/** Which leaves of a domain wait for which set. */
static pc_status list_leaves(compiler *c, pc_circe_domain domain, int which, pc_circe_lists *out)
{
    pc_circe_program *program = c->out;
    c->pairs.bytes = 0;
    for (int i = 0; i < program->leaf_count; i++) {
        const pc_circe_leaf *leaf = program->leaf[i];
        if (leaf->domain != domain) continue;
        const bool is_any = leaf->set == PC_CIRCE_NO_SET && leaf->source_set == PC_CIRCE_NO_SET;
        const int list = which == 2                     ? is_any ? 0 : -1
                         : which == 0                   ? leaf->set
                         : leaf->set == PC_CIRCE_NO_SET ? leaf->source_set
                                                        : -1;
        if (list < 0) continue;
        const begin_pair pair = {list, i};
        PC_TRY(pc_buffer_append(&c->pairs, &pair, sizeof pair, c->err));
    }
    const int lists = which == 2 ? 1 : circe_concepts_count(program->concepts);
    return make_lists(c, (const begin_pair *)(const void *)c->pairs.data,
                      c->pairs.bytes / sizeof(begin_pair), lists, out);
}

static pc_status finish(compiler *c)
{
    pc_circe_program *program = c->out;
    PC_TRY(make_lists(c, (const begin_pair *)(const void *)c->pairs.data,
                      c->pairs.bytes / sizeof(begin_pair), program->leaf_count, &program->begins));
    const pc_circe_leaf **leaf =
        pc_arena_array(c->arena, (size_t)program->leaf_count + 1, sizeof *leaf, c->err);
    int *first_rule =
        pc_arena_array(c->arena, (size_t)program->definition_count + 1, sizeof *first_rule, c->err);
    if (leaf == NULL || first_rule == NULL) return PC_NO_MEMORY;
    memcpy(leaf, c->leaf.data, c->leaf.bytes);
    program->leaf = leaf;
    for (int i = 0; i < PC_CIRCE_DOMAINS; i++) {
        pc_circe_reads_of *reads = &program->domain[i];
        pc_circe_lists any;
        PC_TRY(list_leaves(c, (pc_circe_domain)i, 0, &reads->by_set));
        PC_TRY(list_leaves(c, (pc_circe_domain)i, 1, &reads->by_source));
        PC_TRY(list_leaves(c, (pc_circe_domain)i, 2, &any));
        reads->any = any.item;
        reads->any_count = any.first[1];
    }
    for (int i = 0; i < program->definition_count; i++)
        first_rule[i + 1] = first_rule[i] + program->definition[i].rule_count;
    program->first_rule = first_rule;
    program->rule_total = first_rule[program->definition_count];
    program->nested_total = c->nested;
    return PC_OK;
}

pc_status pc_circe_compile(pc_circe_definition *definition, int count,
                           const circe_concepts *concepts, pc_arena *arena, pc_circe_program *out,
                           pc_error *err)
{
    *out = (pc_circe_program){
        .concepts = concepts, .definition_count = count, .definition = definition};
    compiler c = {.out = out,
                  .arena = arena,
                  .err = err,
                  .leaf = {.budget = arena->budget},
                  .keys = {.budget = arena->budget},
                  .place = {.budget = arena->budget},
                  .pairs = {.budget = arena->budget}};
    pc_status status = PC_OK;
    for (int i = 0; i < count && status == PC_OK; i++)
        status = number_definition(&c, i);
    if (status == PC_OK && out->leaf_count > 0) status = finish(&c);
    pc_buffer_release(&c.leaf);
    pc_buffer_release(&c.keys);
    pc_buffer_release(&c.place);
    pc_buffer_release(&c.pairs);
    return status;
}
