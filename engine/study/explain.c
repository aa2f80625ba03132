// `parcours explain`: what a run of a study would do.
#include <string.h>
#include "parcours/plan.h"
#include "node.h"
#include "session.h"

static const char *kind_name(const pc_def *def)
{
    switch (def->kind) {
        case PC_DEF_EVENT:
            return def->table >= 0 ? "scan" : "event";
        case PC_DEF_COHORT:
            return "cohort";
        case PC_DEF_EVERY:
        case PC_DEF_DATES:
        case PC_DEF_JOIN:
        case PC_DEF_INTERSECT:
        case PC_DEF_SUBTRACT:
            return "period";
        case PC_DEF_EXPOSURE:
            return "exposure";
        case PC_DEF_MATCH:
            return "match";
        default:
            return "given";
    }
}

static pc_status print_scan(const pc_nodes *nodes, const pc_node *node, pc_buffer *out,
                            pc_error *err)
{
    const pc_scan_plan *plan = pc_row_scope_plan(node->row);
    const pc_model *model = nodes->catalog->model;
    PC_TRY(pc_buffer_print(out, err, "    columns"));
    for (int i = 0; i < plan->column_count; i++) {
        const int relation = plan->column[i].relation;
        PC_TRY(pc_buffer_print(out, err, " %s.%s",
                               model->table[plan->relation[relation].table].name,
                               plan->field[i].name));
    }
    PC_TRY(pc_buffer_print(out, err, "\n"));
    const pc_schema schema = {.field_count = plan->column_count, .field = plan->field};
    for (int i = 0; i < plan->filter_count; i++) {
        PC_TRY(pc_buffer_print(out, err, "    where "));
        PC_TRY(pc_expr_print(plan->filter[i], &schema, out, err));
        PC_TRY(pc_buffer_print(out, err, "\n"));
    }
    return PC_OK;
}

static pc_status print_node(const pc_nodes *nodes, const pc_node *node, pc_buffer *out,
                            pc_error *err)
{
    const pc_def *def = node->def;
    if (node->is_never) return PC_OK; // its predicates exclude every row: nothing is read
    PC_TRY(pc_buffer_print(out, err, "  %d %s %s", node->number, kind_name(def), def->name));
    if (def->table >= 0) {
        PC_TRY(pc_buffer_print(out, err, " of %s", nodes->catalog->model->table[def->table].name));
    }
    int excluded = 0;
    for (int i = 0; i < node->input_count; i++) {
        excluded += node->input[i]->is_never;
        if (node->input[i]->is_never) continue;
        PC_TRY(pc_buffer_print(out, err, "%s %d", i == excluded ? " from" : ",",
                               node->input[i]->number));
    }
    if (excluded > 0) {
        PC_TRY(pc_buffer_print(out, err, " (%d more cannot have such rows)", excluded));
    }
    for (int i = 0; i < node->filter_count; i++) {
        PC_TRY(pc_buffer_print(out, err, "; %s of %s pushed down",
                               node->filter[i].is_codes ? "codes" : "where",
                               node->filter[i].by->name));
    }
    if (def->title != NULL) PC_TRY(pc_buffer_print(out, err, " (%s)", def->title));
    PC_TRY(pc_buffer_print(out, err, "\n"));
    return def->table >= 0 ? print_scan(nodes, node, out, err) : PC_OK;
}

static pc_status print_study(const pc_nodes *nodes, pc_buffer *out, pc_error *err)
{
    static const char *const verb[PC_STAT_COUNT_OF_KINDS] = {
        "attrition", "count", "prevalence", "incidence", "survival", "summary", "overlap", "sql"};
    const pc_study *study = nodes->study;
    PC_TRY(pc_buffer_print(out, err, "study %s\nfor each shard, block by block:\n", study->name));
    for (int i = 0; i < nodes->count; i++) {
        PC_TRY(print_node(nodes, nodes->node[i], out, err));
    }
    PC_TRY(pc_buffer_print(out, err, "reduced over ranks to rank 0, then released:\n"));
    for (int i = 0; i < study->statistic_count; i++) {
        const pc_statistic *s = &study->statistic[i];
        PC_TRY(pc_buffer_print(out, err, "  %s: %s", s->name, verb[s->kind]));
        if (s->timeline != NULL) PC_TRY(pc_buffer_print(out, err, " of %s", s->timeline->name));
        for (int k = 0; k < s->measures.count; k++) {
            PC_TRY(pc_buffer_print(out, err, "%s %s", k == 0 ? " of" : ",", s->measures.name[k]));
        }
        for (int k = 0; k < s->of_count; k++) {
            PC_TRY(pc_buffer_print(out, err, "%s %s", k == 0 ? " with" : ",", s->of[k]->name));
        }
        if (s->in != NULL) PC_TRY(pc_buffer_print(out, err, " in %s", s->in->name));
        for (int k = 0; k < s->by_count; k++) {
            PC_TRY(pc_buffer_print(out, err, "%s %s", k == 0 ? " by" : ",", s->by[k].text));
        }
        if (s->title != NULL) PC_TRY(pc_buffer_print(out, err, " (%s)", s->title));
        PC_TRY(pc_buffer_print(out, err, "\n"));
    }
    static const char *const export_verb[PC_EXPORT_COUNT_OF_KINDS] = {"rows", "intervals",
                                                                      "buckets"};
    for (int i = 0; i < study->export_count; i++) {
        const pc_export *one = &study->exports[i];
        PC_TRY(pc_buffer_print(out, err, "%s  %s: %s of %s\n",
                               i == 0 ? "written shard by shard, for inside alone:\n" : "",
                               one->name, export_verb[one->kind], one->timeline->name));
    }
    return PC_OK;
}

pc_status pc_study_explain(const pc_study_options *options, pc_buffer *out, pc_error *err)
{
    pc_session session = {0};
    pc_nodes nodes = {0};
    pc_status status = pc_session_open(&session, options, err);
    if (status == PC_OK) status = pc_session_verdict(&session, options, err);
    if (status == PC_OK) {
        pc_loader loader = {
            .study = &session.study, .doc = session.study.doc[0], .options = options, .err = err};
        status = pc_nodes_open(&nodes, &loader, session.catalog, options->budget, err);
    }
    if (status == PC_OK) status = print_study(&nodes, out, err);
    pc_nodes_close(&nodes);
    pc_session_close(&session);
    return status;
}
