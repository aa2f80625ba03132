// Opening a study, and `parcours check`.
#include <string.h>
#include "session.h"

/** A catalogue without rows: every dictionary is empty. */
static pc_status make_empty_catalog(const pc_model *model, pc_arena *arena, const pc_catalog **out,
                                    pc_error *err)
{
    static const uint64_t no_text[1] = {0};
    static const pc_dict empty = {.count = 0, .sorted = true, .offset = no_text, .bytes = ""};
    pc_catalog *catalog = pc_arena_take(arena, sizeof *catalog, err);
    const pc_dict **dict = pc_arena_array(arena, (size_t)model->dict_count + 1, sizeof *dict, err);
    const pc_column **reference =
        pc_arena_array(arena, (size_t)model->table_count, sizeof *reference, err);
    int64_t *reference_count =
        pc_arena_array(arena, (size_t)model->table_count, sizeof *reference_count, err);
    if (catalog == NULL || dict == NULL || reference == NULL || reference_count == NULL) {
        return PC_NO_MEMORY;
    }
    for (int i = 0; i < model->dict_count; i++)
        dict[i] = &empty;
    *catalog = (pc_catalog){
        .model = model, .dict = dict, .reference = reference, .reference_count = reference_count};
    *out = catalog;
    return PC_OK;
}

pc_status pc_session_open(pc_session *session, const pc_study_options *options, pc_error *err)
{
    *session = (pc_session){.arena = {.budget = options->budget}};
    session->study.arena = &session->arena;
    if (options->store != NULL) {
        PC_TRY(pc_store_open_with(options->store, options->shared, options->budget, &session->store,
                                  err));
        PC_TRY(pc_catalog_of_store(session->store, &session->arena, &session->catalog, err));
    } else {
        const pc_model *model = NULL;
        PC_TRY(pc_model_read(options->model == NULL ? "snds" : options->model, options->share,
                             &session->arena, &model, err));
        PC_TRY(make_empty_catalog(model, &session->arena, &session->catalog, err));
    }
    session->study.model = session->catalog->model;
    session->study.store = session->store;
    PC_TRY(pc_study_load(&session->study, options, err));
    pc_typing typing = {.loader = {.study = &session->study,
                                   .doc = session->study.doc[0],
                                   .options = options,
                                   .err = err},
                        .catalog = session->catalog};
    return pc_study_type(&typing, err);
}

void pc_session_close(pc_session *session)
{
    pc_study_release(&session->study);
    pc_arena_reset(&session->arena);
    pc_store_close(session->store);
    session->store = NULL;
}

pc_status pc_session_verdict(const pc_session *session, const pc_study_options *options,
                             pc_error *err)
{
    const pc_study *study = &session->study;
    if (study->problem_count == 0) return PC_OK;
    const char *first = study->problems.data;
    const char *end = first == NULL ? NULL : memchr(first, '\n', study->problems.bytes);
    return PC_FAIL(err, PC_BAD_JOB, "study '%s': %d error%s; %.*s", options->study,
                   study->problem_count, study->problem_count == 1 ? "" : "s",
                   end == NULL ? 0 : (int)(end - first), first == NULL ? "" : first);
}

pc_status pc_study_check(const pc_study_options *options, pc_buffer *out, pc_error *err)
{
    pc_session session = {0};
    pc_status status = pc_session_open(&session, options, err);
    const pc_study *study = &session.study;
    if (status == PC_OK && study->problem_count > 0) {
        status = pc_buffer_append(out, study->problems.data, study->problems.bytes, err);
        if (status == PC_OK && study->problem_count > PC_STUDY_PROBLEM_MAX) {
            status = pc_buffer_print(out, err, "(%d more)\n",
                                     study->problem_count - PC_STUDY_PROBLEM_MAX);
        }
        if (status == PC_OK) {
            status = PC_FAIL(err, PC_BAD_JOB, "study '%s': %d error%s", options->study,
                             study->problem_count, study->problem_count == 1 ? "" : "s");
        }
    } else if (status == PC_OK) {
        status = pc_session_warn(&session, out, err);
        if (status == PC_OK) {
            status = study->is_library
                         ? pc_buffer_print(out, err, "library '%s' is valid\n", options->study)
                         : pc_buffer_print(out, err, "study '%s' is valid, level %d\n", study->name,
                                           study->level);
        }
    }
    pc_session_close(&session);
    return status;
}
