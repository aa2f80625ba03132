/** Definitions on a store that is not of the OMOP CDM: what it is seen through, and what of the
 *  definitions its codes reach. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "athena.h"
#include "cohorts_run.h"
#include "reach.h"

enum { PATH_BYTES = 4096, MOST_WARNINGS = 20 };

/** The hash of what the store is seen through. Rank 0. */
static pc_status hash_lens(pc_cohorts *run, pc_error *err)
{
    const pc_cohorts_options *o = run->options;
    char hash[3][PC_DIGEST_TEXT_BYTES] = {{0}};
    if (run->lens.is_store) {
        PC_TRY(pc_store_open(o->vocabulary, o->budget, &run->lens.vocabulary_store, err));
        (void)snprintf(hash[0], sizeof hash[0], "%s", pc_store_id(run->lens.vocabulary_store));
    } else {
        PC_TRY(circe_athena_hash(o->vocabulary, o->share, o->budget, hash[0], err));
    }
    PC_TRY(pc_file_hash(o->mapping, hash[1], err));
    PC_TRY(pc_file_hash(o->tables, hash[2], err));
    pc_digest_state state;
    pc_digest_begin(&state);
    pc_digest_add(&state, hash, sizeof hash);
    const pc_digest digest = pc_digest_end(&state);
    pc_digest_format(&digest, run->lens.hash);
    return PC_OK;
}

/** Whether the store needs a lens, and whether all of it was named. Local. */
static pc_status check_lens(pc_cohorts *run, pc_error *err)
{
    const pc_cohorts_options *o = run->options;
    const pc_model *model = pc_store_model(run->store);
    const bool is_named = o->vocabulary != NULL || o->mapping != NULL;
    run->lens.is_used = pc_model_find_table(model, pc_span_of("OBSERVATION_PERIOD")) < 0;
    if (!run->lens.is_used && is_named) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "the store is of the OMOP CDM: --vocabulary and --mapping are for one that "
                       "is not");
    }
    if (!run->lens.is_used || (o->vocabulary != NULL && o->mapping != NULL)) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB,
                   "the store's model '%s' is not the OMOP CDM: definitions run on it with "
                   "--vocabulary DIR (CONCEPT, CONCEPT_ANCESTOR, CONCEPT_RELATIONSHIP) and "
                   "--mapping FILE (its codes to concepts)",
                   model->name);
}

static pc_status read_shared(pc_cohorts *run, pc_buffer *text, pc_error *err)
{
    char path[PATH_BYTES];
    const pc_cohorts_options *o = run->options;
    const int bytes = snprintf(path, sizeof path, "%s/store.json", o->vocabulary);
    run->lens.is_store = bytes > 0 && bytes < PATH_BYTES && access(path, F_OK) == 0;
    PC_TRY(hash_lens(run, err));
    return pc_omop_mapping_text(o->mapping, text, err);
}

/** Whether some table of the list looks codes of this vocabulary up; NULL: of any. */
static bool is_looked_up(const pc_json *list, const pc_span *vocabulary)
{
    const pc_json *tables = pc_json_get(list, "tables");
    for (const pc_json *t = pc_json_first(tables); t != NULL; t = pc_json_next(t)) {
        const pc_json *of =
            pc_json_kind_of(t) == PC_JSON_OBJECT ? pc_json_get(t, "vocabulary") : NULL;
        const char *text = of == NULL ? NULL : pc_json_text(of);
        if (text == NULL) continue;
        if (vocabulary == NULL || pc_span_equal(pc_span_of(text), *vocabulary)) return true;
    }
    return false;
}

/** Tells of vocabularies of the mapping that nothing is looked up in. */
static pc_status check_vocabularies(const pc_cohorts *run, pc_error *err)
{
    const pc_omop_mapping *mapping = &run->lens.mapping;
    bool is_some = mapping->count == 0 || !is_looked_up(run->lens.list, NULL);
    for (int64_t m = 0; m < mapping->count; m++) {
        const pc_span name = mapping->map[m].vocabulary;
        if (m > 0 && pc_span_equal(mapping->map[m - 1].vocabulary, name)) continue;
        const bool is_known = is_looked_up(run->lens.list, &name);
        is_some = is_some || is_known;
        if (is_known || pc_comm_rank(run->comm) != 0) continue;
        pc_log_line(run->log, PC_WARNING, "portability",
                    "mapping: no table of the list looks codes of source_vocabulary_id '%.*s' up",
                    (int)name.bytes, name.data);
    }
    if (is_some) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT,
                   "mapping '%s': no source_vocabulary_id is one that '%s' looks codes up in",
                   run->options->mapping, run->options->tables);
}

pc_status pc_cohorts_lens_open(pc_cohorts *run, pc_error *err)
{
    PC_TRY(pc_comm_agree(run->comm, check_lens(run, err), err));
    if (!run->lens.is_used) return PC_OK;
    pc_buffer *text = &run->lens.mapping_text;
    text->budget = run->options->budget;
    pc_status status = PC_OK;
    if (pc_comm_rank(run->comm) == 0) status = read_shared(run, text, err);
    status = pc_comm_agree(run->comm, status, err);
    if (status != PC_OK) return status;
    pc_comm_broadcast(run->comm, run->lens.hash, sizeof run->lens.hash);
    PC_TRY(pc_comm_broadcast_buffer(run->comm, text, err));
    status = pc_omop_mapping_read((pc_span){text->data, text->bytes}, run->options->mapping,
                                  &run->arena, &run->lens.mapping, err);
    if (status == PC_OK) {
        status = pc_omop_list_read(run->options->tables, &run->lens.list, err);
    }
    if (status == PC_OK) status = check_vocabularies(run, err);
    if (status == PC_OK) {
        run->lens.met = pc_arena_array(&run->arena, (size_t)run->lens.mapping.count + 1,
                                       sizeof *run->lens.met, err);
        if (run->lens.met == NULL) status = PC_NO_MEMORY;
    }
    if (status == PC_OK) {
        status = pc_catalog_of_store(run->store, &run->arena, &run->lens.catalog, err);
    }
    return pc_comm_agree(run->comm, status, err);
}

pc_status pc_cohorts_vocabulary(pc_cohorts *run, pc_error *err)
{
    pc_store *store = run->lens.is_used ? run->lens.vocabulary_store : run->store;
    if (store != NULL) return circe_vocabulary_of(store, &run->vocabulary, err);
    return circe_athena_read(run->options->vocabulary, run->options->share, run->concepts,
                             &run->arena, &run->vocabulary, err);
}

pc_status pc_cohorts_lens_bind(pc_cohorts *run, pc_error *err)
{
    const pc_circe_lens lens = {.store = run->store,
                                .catalog = run->lens.catalog,
                                .path = run->options->tables,
                                .list = run->lens.list,
                                .mapping = &run->lens.mapping,
                                .met = run->lens.met};
    PC_TRY(pc_circe_native_open(&run->program, &lens, &run->arena, &run->source, &run->lens.views,
                                err));
    const uint32_t missing = pc_circe_native_missing(run->lens.views);
    for (int d = 0; d < PC_CIRCE_DOMAINS && pc_comm_rank(run->comm) == 0; d++) {
        if ((missing >> d & 1) == 0) continue;
        pc_log_line(run->log, PC_WARNING, "portability",
                    "the list of tables has no %s: criteria of %s find nothing",
                    pc_circe_domain_of((pc_circe_domain)d)->table,
                    pc_circe_domain_of((pc_circe_domain)d)->type);
    }
    return PC_OK;
}

/** Tells of sets without a code, the first of them one by one. */
static void warn(const pc_cohorts *run, int64_t sets, int64_t unreached)
{
    pc_log_line(run->log, PC_INFO, "portability",
                "concept_sets=%lld unreached=%lld report=control/portability.csv", (long long)sets,
                (long long)unreached);
}

pc_status pc_cohorts_lens_report(pc_cohorts *run, pc_error *err)
{
    if (!run->lens.is_used || run->computed_count == 0) return PC_OK;
    pc_comm_sum_int64(run->comm, run->lens.met, (int)run->lens.mapping.count);
    pc_status status = PC_OK;
    if (pc_comm_rank(run->comm) == 0) {
        pc_buffer text = {.budget = run->options->budget};
        const pc_circe_targets *targets = NULL;
        int64_t sets = 0, unreached = 0;
        status =
            pc_circe_targets_make(&run->lens.mapping, run->lens.met, &run->arena, &targets, err);
        for (int e = 0; e < run->entry_count && status == PC_OK; e++) {
            pc_cohorts_entry *entry = &run->entry[e];
            if (entry->computed < 0) continue;
            const pc_circe_definition *d = &run->definition[entry->computed];
            text.bytes = 0;
            for (int s = 0; s < d->sets.count && status == PC_OK; s++) {
                const pc_circe_reach reach = {
                    .file = entry->path, .concepts = run->concepts, .vocabulary = &run->vocabulary};
                bool is_reached = false;
                status = pc_circe_reach_rows(&reach, targets, entry->id, d->sets.id[s],
                                             d->sets.set[s], &text, &is_reached, err);
                if (!is_reached && unreached < MOST_WARNINGS) {
                    pc_log_line(run->log, PC_WARNING, "portability",
                                "definition=%lld concept_set=%lld reaches no code of the store",
                                (long long)entry->id, (long long)d->sets.id[s]);
                }
                sets++;
                unreached += !is_reached;
            }
            if (status != PC_OK) break;
            entry->portability = pc_arena_text(&run->arena, text.data, text.bytes, err);
            if (entry->portability == NULL) status = PC_NO_MEMORY;
        }
        pc_buffer_release(&text);
        if (status == PC_OK) warn(run, sets, unreached);
    }
    return pc_comm_agree(run->comm, status, err);
}

pc_status pc_cohorts_lens_write(pc_cohorts *run, pc_error *err)
{
    static const char head[] = "cohort_definition_id,concept_set_id,concept_id,include_descendants,"
                               "codes_mapped,codes_in_store\n";
    if (!run->lens.is_used) return PC_OK;
    pc_buffer text = {.budget = run->options->budget};
    pc_status status = pc_buffer_append(&text, head, sizeof head - 1, err);
    for (int e = 0; e < run->entry_count && status == PC_OK; e++) {
        const char *of = run->entry[e].portability;
        if (of != NULL) status = pc_buffer_append(&text, of, strlen(of), err);
    }
    const char *path = NULL;
    char hash[PC_DIGEST_TEXT_BYTES];
    if (status == PC_OK) {
        status =
            pc_output_path(&run->output, "control", "portability", ".csv", &run->arena, &path, err);
    }
    if (status == PC_OK) {
        status = pc_file_put(path, (pc_span){text.data, text.bytes}, 0600, err);
    }
    if (status == PC_OK) status = pc_file_hash(path, hash, err);
    if (status == PC_OK) {
        status = pc_output_note(&run->output, "control", "portability", ".csv", hash, err);
    }
    pc_buffer_release(&text);
    return status;
}

void pc_cohorts_lens_close(pc_cohorts *run)
{
    pc_circe_native_close(run->lens.views);
    pc_json_free(run->lens.list);
    pc_buffer_release(&run->lens.mapping_text);
    pc_store_close(run->lens.vocabulary_store);
}
