/** The scope of some named columns. */
#include <string.h>
#include <strings.h>
#include "sql_private.h"

typedef struct schema_scope {
    pc_scope scope; // first: the scope is the address of the whole
    const pc_schema *schema;
    pc_arena *arena;
} schema_scope;

static pc_status find_column(pc_scope *scope, const char *qualifier, const char *name, int position,
                             const pc_expr **out, pc_error *err)
{
    const schema_scope *s = scope->context;
    *out = NULL;
    const int column = qualifier == NULL ? pc_schema_find(s->schema, name) : -1;
    if (column < 0) return PC_OK;
    return pc_expr_column(column, &s->schema->field[column], position, s->arena, out, err);
}

static int list_names(pc_scope *scope, const char **name, int capacity)
{
    const schema_scope *s = scope->context;
    for (int i = 0; i < s->schema->field_count && i < capacity; i++) {
        name[i] = s->schema->field[i].name;
    }
    return s->schema->field_count;
}

pc_scope *pc_schema_scope(const pc_schema *schema, const pc_catalog *catalog, pc_arena *arena,
                          pc_error *err)
{
    schema_scope *s = pc_arena_take(arena, sizeof *s, err);
    if (s == NULL) return NULL;
    s->schema = schema;
    s->arena = arena;
    s->scope =
        (pc_scope){.context = s, .column = find_column, .names = list_names, .catalog = catalog};
    return &s->scope;
}
