// The constants as JSON, and back.
#include <stdio.h>
#include <string.h>
#include "capacity.h"
#include "parcours/json.h"

static const char format[] = "parcours calibration 1";

/** The plain numbers of a calibration. */
static const struct {
    const char *name;
    size_t at;
} number[] = {
    {"delivery_bytes_per_person_year", offsetof(pc_calibration, delivery_bytes)},
    {"store_bytes_per_person_year", offsetof(pc_calibration, store_bytes)},
    {"moved_bytes_per_person_year", offsetof(pc_calibration, moved_bytes)},
    {"packed_bytes_per_person_year", offsetof(pc_calibration, packed_bytes)},
    {"part_bytes", offsetof(pc_calibration, part_bytes)},
    {"part_half_person_years", offsetof(pc_calibration, part_half)},
    {"shared_bytes", offsetof(pc_calibration, shared_bytes)},
    {"agree_s", offsetof(pc_calibration, agree_s)},
    {"message_s", offsetof(pc_calibration, message_s)},
    {"exchange_bytes_per_s", offsetof(pc_calibration, exchange_bytes_s)},
    {"open_s", offsetof(pc_calibration, open_s)},
    {"sync_s", offsetof(pc_calibration, sync_s)},
    {"read_bytes_per_s", offsetof(pc_calibration, read_bytes_s)},
    {"write_bytes_per_s", offsetof(pc_calibration, write_bytes_s)},
};
enum { NUMBERS = sizeof number / sizeof number[0] };

static pc_status print_cost(const pc_cost *cost, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "    {\"name\": "));
    PC_TRY(pc_json_write_text(out, pc_span_of(cost->name), err));
    return pc_buffer_print(out, err, ", \"fixed_s\": %.6g, \"part_s\": %.6g, \"byte_s\": %.6g",
                           cost->fixed_s, cost->part_s, cost->byte_s);
}

pc_status pc_calibration_print(const pc_calibration *c, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "{\n  \"format\": \"%s\",\n  \"ranks\": %d,\n", format,
                           c->ranks));
    for (int i = 0; i < NUMBERS; i++) {
        double value;
        memcpy(&value, (const char *)c + number[i].at, sizeof value);
        PC_TRY(pc_buffer_print(out, err, "  \"%s\": %.6g,\n", number[i].name, value));
    }
    PC_TRY(pc_buffer_print(out, err, "  \"ingest\": [\n"));
    for (int i = 0; i < c->phase_count; i++) {
        PC_TRY(print_cost(&c->phase[i], out, err));
        PC_TRY(pc_buffer_print(out, err, "}%s\n", i + 1 < c->phase_count ? "," : ""));
    }
    PC_TRY(pc_buffer_print(out, err, "  ],\n  \"studies\": [\n"));
    for (int i = 0; i < c->study_count; i++) {
        const pc_study_cost *s = &c->study[i];
        PC_TRY(print_cost(&s->scan, out, err));
        PC_TRY(pc_buffer_print(out, err,
                               ", \"read_share\": %.6g, \"open_s\": %.6g, \"write_s\": %.6g, "
                               "\"person_s\": %.6g}%s\n",
                               s->read_share, s->open_s, s->write_s, s->person_s,
                               i + 1 < c->study_count ? "," : ""));
    }
    return pc_buffer_print(out, err, "  ]\n}\n");
}

static pc_status take_number(const pc_json *object, const char *name, double *out, pc_error *err)
{
    const pc_json *value = pc_json_get(object, name);
    if (value == NULL || pc_json_kind_of(value) != PC_JSON_NUMBER ||
        !(pc_json_number(value) >= 0)) {
        return PC_FAIL(err, PC_BAD_JOB, "expected a number of at least 0 as '%s'", name);
    }
    *out = pc_json_number(value);
    return PC_OK;
}

static pc_status take_cost(const pc_json *object, pc_cost *out, pc_error *err)
{
    const pc_json *name = pc_json_get(object, "name");
    if (name == NULL || pc_json_text(name) == NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "expected a text as 'name'");
    }
    (void)snprintf(out->name, sizeof out->name, "%s", pc_json_text(name));
    PC_TRY(take_number(object, "fixed_s", &out->fixed_s, err));
    PC_TRY(take_number(object, "part_s", &out->part_s, err));
    return take_number(object, "byte_s", &out->byte_s, err);
}

static pc_status take_list(const pc_json *document, const char *name, int most, const pc_json **out,
                           pc_error *err)
{
    *out = pc_json_get(document, name);
    if (*out != NULL && pc_json_kind_of(*out) == PC_JSON_ARRAY && pc_json_count(*out) <= most) {
        return PC_OK;
    }
    return PC_FAIL(err, PC_BAD_JOB, "expected an array of at most %d as '%s'", most, name);
}

static pc_status take_all(const pc_json *document, pc_calibration *out, pc_error *err)
{
    const pc_json *mark = pc_json_get(document, "format"), *list = NULL;
    if (mark == NULL || pc_json_text(mark) == NULL || strcmp(pc_json_text(mark), format) != 0) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "it is not what 'parcours calibrate' of this version writes");
    }
    double ranks = 0;
    PC_TRY(take_number(document, "ranks", &ranks, err));
    out->ranks = (int)ranks;
    for (int i = 0; i < NUMBERS; i++) {
        double value = 0;
        PC_TRY(take_number(document, number[i].name, &value, err));
        memcpy((char *)out + number[i].at, &value, sizeof value);
    }
    PC_TRY(take_list(document, "ingest", PC_INGEST_PHASES, &list, err));
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v))
        PC_TRY(take_cost(v, &out->phase[out->phase_count++], err));
    PC_TRY(take_list(document, "studies", PC_CAPACITY_STUDIES, &list, err));
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        pc_study_cost *s = &out->study[out->study_count++];
        PC_TRY(take_cost(v, &s->scan, err));
        PC_TRY(take_number(v, "read_share", &s->read_share, err));
        PC_TRY(take_number(v, "open_s", &s->open_s, err));
        PC_TRY(take_number(v, "write_s", &s->write_s, err));
        PC_TRY(take_number(v, "person_s", &s->person_s, err));
    }
    return PC_OK;
}

pc_status pc_calibration_read(const char *path, pc_calibration *out, pc_error *err)
{
    pc_json *document = NULL;
    *out = (pc_calibration){.ranks = 0};
    PC_TRY(pc_json_read(path, &document, err));
    const pc_status status = take_all(document, out, err);
    if (status != PC_OK) pc_error_prefix(err, "calibration '%s'", path);
    pc_json_free(document);
    return status;
}
