// The model: each phase is latency + work / ranks + volume / bandwidth, one after the other, on the
// rank that ends last. docs/scaling.md derives it.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "capacity.h"
#include "parcours/json.h"

static const double least_shards = 16, most_shards = 16384, shard_bytes = 512.0 * 1024 * 1024,
                    round_bytes = 64.0 * 1024 * 1024, spool_share = 0.25;

double pc_capacity_full_parts(double parts, double person_years, double part_half)
{
    return parts / (1 + parts * part_half / person_years);
}

/** What both halves of the model share. */
typedef struct model {
    const pc_calibration *c;
    const pc_forecast_request *r;
    pc_forecast *out;
    double ranks, parts;                ///< parts: of the rank that has most;
    double full_parts;                  ///< what they are worth
    double read_bytes_s, write_bytes_s; ///< of all ranks together
    double message_s;
    double network_bytes_s; ///< of one rank
} model;

static double choose_shards(double bytes)
{
    double shards = least_shards;
    while (shards < most_shards && shards * shard_bytes < bytes)
        shards *= 2;
    return shards;
}

static pc_forecast_row *add_row(model *m, const char *name)
{
    pc_forecast_row *row = &m->out->row[m->out->row_count++];
    *row = (pc_forecast_row){.name = ""};
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    return row;
}

/** Every byte of `volume` goes to the rank it belongs to; one in `ranks` is there already. */
static void add_exchange(const model *m, double volume, pc_forecast_row *row)
{
    if (m->ranks < 2) return;
    const double mine = volume / m->ranks, rounds = ceil(mine / round_bytes);
    row->network_s += mine * (m->ranks - 1) / m->ranks / m->network_bytes_s;
    row->latency_s += rounds * (m->ranks - 1) * m->message_s;
}

static double tree_steps(const model *m)
{
    return ceil(log2(m->ranks));
}

/** A phase of the ingest: its processor time, then what its name says it does besides. */
static void add_phase(model *m, const pc_cost *cost)
{
    const double bytes = m->out->delivery_bytes, half_spilled = m->out->spilled_bytes / 2;
    pc_forecast_row *row = add_row(m, cost->name);
    row->processor_s =
        cost->fixed_s + m->full_parts * cost->part_s + bytes / m->ranks * cost->byte_s;
    row->latency_s = tree_steps(m) * m->c->agree_s;
    if (strcmp(cost->name, "read") == 0) {
        row->storage_s += bytes / m->read_bytes_s + half_spilled / m->write_bytes_s;
    } else if (strcmp(cost->name, "dictionaries") == 0 && m->ranks > 1) {
        row->network_s += 2 * tree_steps(m) * m->c->shared_bytes / m->network_bytes_s;
    } else if (strcmp(cost->name, "resolve") == 0) {
        add_exchange(m, m->out->moved_bytes, row);
        row->storage_s += half_spilled / m->read_bytes_s + half_spilled / m->write_bytes_s;
    } else if (strcmp(cost->name, "write") == 0) {
        row->storage_s += m->out->store_bytes / m->write_bytes_s;
        row->storage_s += half_spilled / m->read_bytes_s;
        row->latency_s += m->parts * m->c->sync_s;
    }
}

/** The last rank ends at most one shard after the others: half of one on average. */
static double straggle(const model *m)
{
    const double rounds = m->out->shards / m->ranks;
    return rounds < 1 ? 1 : 1 + 0.5 / rounds;
}

static void add_study(model *m, const pc_study_cost *s)
{
    const double store = m->out->row_bytes, share = m->out->shared_bytes;
    pc_forecast_row *row = add_row(m, "open");
    row->processor_s = s->open_s;
    row->storage_s = share * m->ranks / m->read_bytes_s;
    row->latency_s = 3 * m->c->open_s;
    row = add_row(m, "scan");
    const double working = m->ranks < m->out->shards ? m->ranks : m->out->shards;
    row->processor_s = s->scan.fixed_s + m->full_parts * s->scan.part_s +
                       straggle(m) * store / working * s->scan.byte_s;
    row->storage_s = s->read_share * store / m->read_bytes_s;
    row->latency_s = m->parts * m->c->open_s + m->out->shards * m->message_s;
    row = add_row(m, "reduce");
    row->latency_s = tree_steps(m) * (3 * m->message_s + m->c->agree_s);
    row = add_row(m, "write results");
    row->serial_s = s->write_s + s->person_s * m->r->people;
}

static const pc_study_cost *find_study(const pc_calibration *c, const char *name)
{
    for (int i = 0; i < c->study_count; i++) {
        if (strcmp(c->study[i].scan.name, name) == 0) return &c->study[i];
    }
    return NULL;
}

static pc_status open_model(model *m, pc_error *err)
{
    const pc_calibration *c = m->c;
    const pc_forecast_request *r = m->r;
    m->ranks = r->nodes * r->cores;
    m->read_bytes_s = r->read_bytes_s > 0 ? r->read_bytes_s : c->read_bytes_s * m->ranks;
    m->write_bytes_s = r->write_bytes_s > 0 ? r->write_bytes_s : c->write_bytes_s * m->ranks;
    m->network_bytes_s = r->node_bytes_s > 0 ? r->node_bytes_s / r->cores : c->exchange_bytes_s;
    m->message_s = r->message_s > 0 ? r->message_s : c->message_s;
    if (m->ranks > 1 && m->network_bytes_s <= 0) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "the network is not known: calibrate on several ranks, or give --net-gbs");
    }
    pc_forecast *out = m->out;
    *out = (pc_forecast){.ranks = m->ranks, .shared_bytes = c->shared_bytes};
    const double person_years = r->people * r->years, usual = person_years * c->delivery_bytes;
    out->delivery_bytes = r->delivery_bytes > 0 ? r->delivery_bytes : usual;
    const double richer = out->delivery_bytes / usual; // than the synthetic population
    out->row_bytes = person_years * c->store_bytes * richer;
    out->moved_bytes = person_years * c->moved_bytes * richer;
    out->shards = r->shards > 0 ? r->shards : choose_shards(out->delivery_bytes);
    const double full = pc_capacity_full_parts(out->shards, person_years * richer, c->part_half);
    out->store_bytes = out->row_bytes + full * c->part_bytes;
    const double room = spool_share * r->memory_bytes * m->ranks;
    const double packed = person_years * c->packed_bytes * richer; // as read, and again by shard
    out->spilled_bytes = packed / 2 > room ? packed : 0;
    m->parts = ceil(out->shards / m->ranks);
    m->full_parts = m->parts * full / out->shards;
    return PC_OK;
}

pc_status pc_forecast_make(const pc_calibration *calibration, const pc_forecast_request *request,
                           pc_forecast *out, pc_error *err)
{
    model m = {.c = calibration, .r = request, .out = out};
    const pc_study_cost *study = NULL;
    if (request->study != NULL) {
        study = find_study(calibration, request->study);
        if (study == NULL) {
            return PC_FAIL(err, PC_BAD_JOB, "study '%s' is not in the calibration", request->study);
        }
    }
    PC_TRY(open_model(&m, err));
    for (int i = 0; i < calibration->phase_count; i++)
        add_phase(&m, &calibration->phase[i]);
    out->ingest_count = out->row_count;
    if (study != NULL) add_study(&m, study);
    return PC_OK;
}

double pc_forecast_seconds(const pc_forecast_row *row)
{
    return row->latency_s + row->processor_s + row->storage_s + row->network_s + row->serial_s;
}

const char *pc_forecast_most(const pc_forecast_row *row)
{
    static const char *const name[] = {"latency", "processor", "storage", "network", "one rank"};
    const double seconds[] = {row->latency_s, row->processor_s, row->storage_s, row->network_s,
                              row->serial_s};
    int most = 0;
    for (int i = 1; i < 5; i++) {
        if (seconds[i] > seconds[most]) most = i;
    }
    return name[most];
}

static pc_forecast_row sum_rows(const pc_forecast *f, int first, int end, const char *name)
{
    pc_forecast_row sum = {.name = ""};
    (void)snprintf(sum.name, sizeof sum.name, "%s", name);
    for (int i = first; i < end; i++) {
        sum.latency_s += f->row[i].latency_s;
        sum.processor_s += f->row[i].processor_s;
        sum.storage_s += f->row[i].storage_s;
        sum.network_s += f->row[i].network_s;
        sum.serial_s += f->row[i].serial_s;
    }
    return sum;
}

static pc_status print_line(const pc_forecast_row *row, bool json, pc_buffer *out, pc_error *err)
{
    return pc_buffer_print(
        out, err,
        json
            ? "{\"name\": \"%s\", \"latency_s\": %.6g, \"processor_s\": %.6g, \"storage_s\": %.6g, "
              "\"network_s\": %.6g, \"one_rank_s\": %.6g, \"seconds\": %.6g, \"most\": \"%s\"}"
            : "%-14s %10.2f %10.2f %10.2f %10.2f %10.2f %12.2f  %s\n",
        row->name, row->latency_s, row->processor_s, row->storage_s, row->network_s, row->serial_s,
        pc_forecast_seconds(row), pc_forecast_most(row));
}

static pc_status print_json(const pc_forecast *f, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(
        out, err,
        "{\n  \"ranks\": %.0f,\n  \"shards\": %.0f,\n  \"delivery_bytes\": %.0f,\n"
        "  \"store_bytes\": %.0f,\n  \"moved_bytes\": %.0f,\n  \"spilled_bytes\": %.0f,\n  "
        "\"phases\": [",
        f->ranks, f->shards, f->delivery_bytes, f->store_bytes, f->moved_bytes, f->spilled_bytes));
    for (int i = 0; i < f->row_count; i++) {
        PC_TRY(pc_buffer_print(out, err, "%s\n    ", i == 0 ? "" : ","));
        PC_TRY(print_line(&f->row[i], true, out, err));
    }
    const pc_forecast_row ingest = sum_rows(f, 0, f->ingest_count, "ingest");
    const pc_forecast_row study = sum_rows(f, f->ingest_count, f->row_count, "study");
    PC_TRY(pc_buffer_print(out, err, "\n  ],\n  \"ingest\": "));
    PC_TRY(print_line(&ingest, true, out, err));
    PC_TRY(pc_buffer_print(out, err, ",\n  \"study\": "));
    PC_TRY(print_line(&study, true, out, err));
    return pc_buffer_print(out, err, "\n}\n");
}

pc_status pc_forecast_print(const pc_forecast *f, bool json, pc_buffer *out, pc_error *err)
{
    if (json) return print_json(f, out, err);
    PC_TRY(pc_buffer_print(
        out, err,
        "%.0f ranks, %.0f shards; delivery %.4g GB, store %.4g GB, moved %.4g GB, spilled %.4g "
        "GB, dictionaries and nomenclatures %.4g MB on each rank\n\n",
        f->ranks, f->shards, f->delivery_bytes / 1e9, f->store_bytes / 1e9, f->moved_bytes / 1e9,
        f->spilled_bytes / 1e9, f->shared_bytes / 1e6));
    PC_TRY(pc_buffer_print(out, err, "%-14s %10s %10s %10s %10s %10s %12s  %s\n", "seconds",
                           "latency", "processor", "storage", "network", "one rank", "all",
                           "most of it"));
    for (int i = 0; i < f->row_count; i++) {
        PC_TRY(print_line(&f->row[i], false, out, err));
        const bool ends_ingest = i + 1 == f->ingest_count, ends = i + 1 == f->row_count;
        if (!ends_ingest && !ends) continue;
        const pc_forecast_row sum = ends_ingest
                                        ? sum_rows(f, 0, f->ingest_count, "INGEST")
                                        : sum_rows(f, f->ingest_count, f->row_count, "STUDY");
        PC_TRY(print_line(&sum, false, out, err));
    }
    return PC_OK;
}
