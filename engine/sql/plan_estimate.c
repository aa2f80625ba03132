/** How many rows a plan is likely to give: what sizes of tables say, and rules of thumb where they
 *  say nothing (Selinger et al., "Access path selection in a relational database management
 * system", SIGMOD 1979). For choices and for explain, never for answers. */
#include "parcours/function.h"
#include "parcours/plan.h"

// Shares of rows that pass a condition of which nothing else is known.
static const double EQUAL_SHARE = 0.1, OTHER_SHARE = 1.0 / 3, NOT_SHARE = 0.9;
static const double GROUP_SHARE = 0.1; // groups to rows, where keys tell nothing

static double rows_of(const pc_catalog *catalog, int table)
{
    if (catalog->model->table[table].path == PC_PATH_NONE) {
        return (double)catalog->reference_count[table];
    }
    return catalog->row_count == NULL ? 0 : (double)catalog->row_count[table];
}

static double patients_of(const pc_catalog *catalog)
{
    const int table = pc_model_find_table(catalog->model, pc_span_of("PERSON"));
    const double rows = table < 0 ? 0 : rows_of(catalog, table);
    return rows < 1 ? 1 : rows;
}

// The model's column; NULL: computed of the slot.
static const pc_model_column *column_of(const pc_catalog *catalog, const pc_scan_plan *scan, int i)
{
    const pc_scan_column *c = &scan->column[i];
    if (c->column < 0) return NULL;
    return &catalog->model->table[scan->relation[c->relation].table].column[c->column];
}

// As deep as the expression.
static double share_of(const pc_expr *x)
{
    if (x->kind != PC_EXPR_CALL) return 1;
    double share = 1;
    switch (pc_function_which(x->function)) {
        case PC_FN_AND:
            for (int i = 0; i < x->arg_count; i++) {
                share *= share_of(x->arg[i]);
            }
            return share;
        case PC_FN_OR:
            share = 0;
            for (int i = 0; i < x->arg_count; i++) {
                share += share_of(x->arg[i]);
            }
            return share < 1 ? share : 1;
        case PC_FN_EQUAL:
            return EQUAL_SHARE;
        case PC_FN_IS_NOT_NULL:
        case PC_FN_NOT:
            return NOT_SHARE;
        default:
            return OTHER_SHARE;
    }
}

// The share of a column's values that a range leaves: of the codes of its dictionary, or of the
// days of the store. Negative: not known.
static double share_of_range(const pc_catalog *catalog, const pc_model_column *c, int64_t low,
                             int64_t high)
{
    int64_t first = 0, end = 0;
    if (c->type == PC_CODE && c->dict >= 0) {
        end = catalog->dict[c->dict]->count;
    } else if (c->type == PC_DATE && catalog->store != NULL) {
        int32_t from, to;
        pc_store_period(catalog->store, &from, &to);
        first = from;
        end = (int64_t)to + 1;
    }
    if (end <= first) return -1;
    if (low < first) low = first;
    if (high >= end) high = end - 1;
    return low > high ? 0 : (double)(high - low + 1) / (double)(end - first);
}

// What dictionaries and the period say of a filter, else rules of thumb.
static double share_of_filter(const pc_catalog *catalog, const pc_scan_plan *scan, int filter)
{
    enum { COLUMNS = 64 };
    const pc_expr *x = scan->filter[filter];
    pc_column like[COLUMNS];
    if (scan->column_count > COLUMNS) return share_of(x);
    for (int i = 0; i < scan->column_count; i++) {
        const pc_model_column *c = column_of(catalog, scan, i);
        like[i] = (pc_column){.type = scan->field[i].type};
        if (c != NULL && c->dict >= 0) like[i].dict = catalog->dict[c->dict];
    }
    const pc_batch batch = {.column_count = scan->column_count, .column = like};
    for (int i = 0; i < scan->column_count; i++) {
        const pc_model_column *c = column_of(catalog, scan, i);
        int64_t low, high;
        if (c == NULL || !pc_expr_range(x, &batch, i, &low, &high)) continue;
        const double share = share_of_range(catalog, c, low, high);
        if (share >= 0) return share;
    }
    return share_of(x);
}

// Rows that one row finds in a relation of a scan.
static double found_by(const pc_catalog *catalog, const pc_scan_plan *scan, int relation)
{
    const pc_scan_relation *r = &scan->relation[relation];
    const double rows = rows_of(catalog, r->table);
    if (r->attach == PC_ATTACH_PATIENT) return rows / patients_of(catalog);
    if (r->attach != PC_ATTACH_CHILDREN) return 1;
    const double parents = rows_of(catalog, scan->relation[r->from].table);
    return parents < 1 ? 1 : rows / parents;
}

static double scan_rows(const pc_catalog *catalog, const pc_scan_plan *scan)
{
    double rows = rows_of(catalog, scan->relation[0].table);
    for (int i = 1; i < scan->relation_count; i++) {
        const double found = found_by(catalog, scan, i);
        const pc_join join = scan->relation[i].join;
        if (join == PC_JOIN_INNER || (join == PC_JOIN_LEFT && found > 1)) rows *= found;
    }
    for (int i = 0; i < scan->filter_count; i++) {
        rows *= share_of_filter(catalog, scan, i);
    }
    return rows;
}

static double join_rows(const pc_catalog *catalog, const pc_plan *plan, double left)
{
    const pc_join kind = plan->of.join.join;
    const double right = pc_plan_rows(plan->of.join.build, catalog);
    double rows = left * right;
    if (kind != PC_JOIN_INNER && kind != PC_JOIN_LEFT) {
        return kind == PC_JOIN_MARK ? left : left * OTHER_SHARE;
    }
    if (plan->of.join.within_slot) {
        rows /= patients_of(catalog);
    } else if (plan->of.join.key_count > 0) {
        rows /= left > right ? (left < 1 ? 1 : left) : (right < 1 ? 1 : right);
    }
    if (plan->of.join.on != NULL) rows *= share_of(plan->of.join.on);
    return kind == PC_JOIN_LEFT && rows < left ? left : rows;
}

// Values of a key, by its type; 0: as many as there are rows.
static double values_of(const pc_expr *key)
{
    switch (key->type) {
        case PC_BOOL:
            return 3;
        case PC_INT:
            return 50; // years, departments, bands
        case PC_CODE:
        case PC_DATE:
            return 1000;
        default:
            return 0;
    }
}

static double group_rows(const pc_catalog *catalog, const pc_plan *plan, double rows)
{
    double most = 1;
    bool is_known = true;
    for (int i = 0; i < plan->of.aggregate.key_count; i++) {
        const double values = values_of(plan->of.aggregate.key[i]);
        is_known = is_known && values > 0;
        most *= values;
    }
    if (plan->of.aggregate.key_count == 0) return 1;
    if (plan->by_slot) most = patients_of(catalog);
    if (!plan->by_slot && !is_known) most = rows * GROUP_SHARE;
    return rows < most ? rows : most < 1 ? 1 : most;
}

double pc_plan_rows(const pc_plan *plan, const pc_catalog *catalog)
{
    if (plan->kind == PC_PLAN_SCAN) return scan_rows(catalog, plan->of.scan.plan);
    if (plan->kind == PC_PLAN_VALUES) return plan->of.values.row_count;
    if (plan->input == NULL) return patients_of(catalog); // rows of a study, beside the tables
    double rows = pc_plan_rows(plan->input, catalog);
    switch (plan->kind) {
        case PC_PLAN_FILTER:
            return rows * share_of(plan->of.filter.predicate);
        case PC_PLAN_AGGREGATE:
            return group_rows(catalog, plan, rows);
        case PC_PLAN_DISTINCT:
            return rows * GROUP_SHARE;
        case PC_PLAN_JOIN:
            return join_rows(catalog, plan, rows);
        case PC_PLAN_UNION:
            for (int i = 0; i < plan->of.all.more_count; i++) {
                rows += pc_plan_rows(plan->of.all.more[i], catalog);
            }
            return rows;
        case PC_PLAN_EXPAND:
            return rows * plan->of.expand.set_count;
        case PC_PLAN_SORT:
            rows = rows > (double)plan->of.sort.offset ? rows - (double)plan->of.sort.offset : 0;
            if (plan->of.sort.limit >= 0 && rows > (double)plan->of.sort.limit) {
                rows = (double)plan->of.sort.limit;
            }
            return rows;
        default:
            return rows;
    }
}
