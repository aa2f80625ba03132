/** Types of columns and the text of a cell. */
#include "parcours/column.h"

const char *pc_type_name(pc_type type)
{
    switch (type) {
        case PC_BOOL:
            return "bool";
        case PC_INT:
            return "int";
        case PC_DECIMAL:
            return "decimal";
        case PC_FLOAT:
            return "float";
        case PC_DATE:
            return "date";
        case PC_CODE:
            return "code";
        case PC_TEXT:
            return "text";
        case PC_ID:
            return "id";
        case PC_KEY:
            return "key";
        case PC_NONE:
            break;
    }
    return "none";
}

bool pc_type_is_integer(pc_type type)
{
    return type == PC_INT || type == PC_DECIMAL || type == PC_DATE || pc_type_is_unsigned(type);
}

bool pc_type_is_unsigned(pc_type type)
{
    return type == PC_BOOL || type == PC_CODE || type == PC_TEXT || type == PC_KEY;
}

pc_span pc_column_span(const pc_column *c, int64_t row)
{
    if (pc_column_is_null(c, row)) return (pc_span){"", 0};
    if (c->type != PC_ID) return pc_dict_text(c->dict, (uint32_t)pc_column_int(c, row));
    pc_span text = {(const char *)c->data + row * c->width, c->width};
    while (text.bytes > 0 && text.data[text.bytes - 1] == '\0') {
        text.bytes--;
    }
    return text;
}
