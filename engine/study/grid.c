// Studies that differ in their parameters alone.
#include "grid.h"
#include <stdio.h>
#include <string.h>
#include "parcours/json.h"
#include "parcours/release.h"

enum { MOST_NAMES = 8, POINT_BYTES = 200 };

/** One --grid: a name and its values. */
typedef struct axis {
    pc_span name;
    int value_count;
    pc_span value[PC_GRID_MOST];
} axis;

static bool is_folder_name(pc_span value)
{
    for (size_t i = 0; i < value.bytes; i++) {
        const char c = value.data[i];
        if (c == '/' || c == '\0' || (unsigned char)c < ' ') return false;
    }
    return value.bytes > 0;
}

static pc_status read_axis(const char *text, axis *out, pc_error *err)
{
    const char *equal = strchr(text, '=');
    out->value_count = 0;
    if (equal == NULL || equal == text) {
        return PC_FAIL(err, PC_BAD_JOB, "--grid: expected name=a,b,c");
    }
    out->name = (pc_span){text, (size_t)(equal - text)};
    for (const char *at = equal + 1;;) {
        const char *comma = strchr(at, ',');
        const pc_span value = {at, comma == NULL ? strlen(at) : (size_t)(comma - at)};
        if (!is_folder_name(value)) {
            return PC_FAIL(err, PC_BAD_JOB, "--grid: value %d cannot be the name of a folder",
                           out->value_count + 1);
        }
        for (int i = 0; i < out->value_count; i++) {
            if (pc_span_equal(out->value[i], value)) {
                return PC_FAIL(err, PC_BAD_JOB, "--grid: value %d stands there twice",
                               out->value_count + 1);
            }
        }
        if (out->value_count == PC_GRID_MOST) {
            return PC_FAIL(err, PC_BAD_JOB, "--grid: more than %d values", PC_GRID_MOST);
        }
        out->value[out->value_count++] = value;
        if (comma == NULL) return PC_OK;
        at = comma + 1;
    }
}

/** Folder, name and settings of one combination. */
static pc_status make_point(const pc_study_options *options, const axis *axes, int axis_count,
                            int index, pc_arena *arena, pc_grid_point *out, pc_error *err)
{
    const char **set =
        pc_arena_array(arena, (size_t)(options->set_count + axis_count), sizeof *set, err);
    if (set == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < options->set_count; i++)
        set[i] = options->set[i];
    char name[POINT_BYTES] = "", folder[4096];
    int chosen[MOST_NAMES];
    for (int i = axis_count - 1; i >= 0; i--) {
        chosen[i] = index % axes[i].value_count;
        index /= axes[i].value_count;
    }
    int bytes = 0;
    for (int i = 0; i < axis_count; i++) {
        const pc_span value = axes[i].value[chosen[i]];
        char one[POINT_BYTES];
        const int more = snprintf(one, sizeof one, "%.*s=%.*s", (int)axes[i].name.bytes,
                                  axes[i].name.data, (int)value.bytes, value.data);
        bytes += more + (i > 0);
        if (more >= (int)sizeof one || bytes >= POINT_BYTES) {
            return PC_FAIL(err, PC_BAD_JOB, "--grid: names and values are longer than %d bytes",
                           POINT_BYTES - 1);
        }
        if (i > 0) strcat(name, ",");
        strcat(name, one);
        set[options->set_count + i] = pc_arena_text(arena, one, (size_t)more, err);
        if (set[options->set_count + i] == NULL) return PC_NO_MEMORY;
    }
    const int used = snprintf(folder, sizeof folder, "%s/%s", options->out, name);
    if (used >= (int)sizeof folder)
        return PC_FAIL(err, PC_BAD_JOB, "the path of a folder is too long");
    *out = (pc_grid_point){.name = pc_arena_text(arena, name, (size_t)bytes, err),
                           .options = *options};
    out->options.set = set;
    out->options.set_count = options->set_count + axis_count;
    out->options.out = pc_arena_text(arena, folder, (size_t)used, err);
    return out->name == NULL || out->options.out == NULL ? PC_NO_MEMORY : PC_OK;
}

pc_status pc_grid_expand(const pc_study_options *options, pc_arena *arena, pc_grid_point **out,
                         int *count, pc_error *err)
{
    const int axis_count = options->grid_count;
    if (axis_count > MOST_NAMES) {
        return PC_FAIL(err, PC_BAD_JOB, "--grid: more than %d names", (int)MOST_NAMES);
    }
    axis *axes = pc_arena_array(arena, (size_t)axis_count + 1, sizeof *axes, err);
    if (axes == NULL) return PC_NO_MEMORY;
    int64_t points = 1;
    for (int i = 0; i < axis_count; i++) {
        PC_TRY(read_axis(options->grid[i], &axes[i], err));
        points *= axes[i].value_count;
        for (int k = 0; k < i; k++) {
            if (!pc_span_equal(axes[i].name, axes[k].name)) continue;
            return PC_FAIL(err, PC_BAD_JOB, "--grid: one name is given twice");
        }
        if (points > PC_GRID_MOST) {
            return PC_FAIL(err, PC_BAD_JOB, "--grid: more than %d studies", PC_GRID_MOST);
        }
    }
    *count = (int)points;
    *out = pc_arena_array(arena, (size_t)points, sizeof **out, err);
    if (*out == NULL) return PC_NO_MEMORY;
    if (axis_count == 0) {
        (*out)[0].options = *options;
        return PC_OK;
    }
    for (int i = 0; i < *count; i++) {
        PC_TRY(make_point(options, axes, axis_count, i, arena, &(*out)[i], err));
    }
    return PC_OK;
}

static pc_status print_points(const pc_grid_point *point, int count, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "{\n  \"grid\": {"));
    for (int i = 0; i < count; i++) {
        char path[4200], hash[PC_DIGEST_TEXT_BYTES];
        (void)snprintf(path, sizeof path, "%s/manifest.json", point[i].options.out);
        PC_TRY(pc_file_hash(path, hash, err));
        PC_TRY(pc_buffer_print(out, err, "%s\n    ", i == 0 ? "" : ","));
        PC_TRY(pc_json_write_text(out, pc_span_of(point[i].name), err));
        PC_TRY(pc_buffer_print(out, err, ": \"%s\"", hash));
    }
    return pc_buffer_print(out, err, "\n  }\n}\n");
}

pc_status pc_grid_end(const pc_study_options *options, const pc_grid_point *point, int count,
                      pc_error *err)
{
    pc_buffer text = {.budget = options->budget};
    char path[4200];
    (void)snprintf(path, sizeof path, "%s/manifest.json", options->out);
    pc_status status = print_points(point, count, &text, err);
    if (status == PC_OK) {
        status = pc_file_put(path, (pc_span){text.data, text.bytes}, 0644, err);
    }
    pc_buffer_release(&text);
    return status;
}
