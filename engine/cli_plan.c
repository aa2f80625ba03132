/** parcours plan: sizes and times of a population on a machine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "capacity/capacity.h"
#include "parcours/cli.h"

static const pc_option option[] = {
    {"calibration", "FILE", "what 'parcours calibrate' has written", false},
    {"patients", "N", "people: 68M, 500K or all digits", false},
    {"years", "N", "years of care (1)", false},
    {"delivery", "SIZE", "bytes of the delivery, as 250T (those of the synthetic population)",
     false},
    {"nodes", "N", "(1)", false},
    {"cores", "N", "of a node, one rank each (1)", false},
    {"read-gbs", "X", "the file system's reads, GB/s over all nodes (as calibrated, each rank)",
     false},
    {"write-gbs", "X", "the same of writes (those of reads)", false},
    {"net-gbs", "X", "GB/s of a node's network (as calibrated, each rank)", false},
    {"message-us", "X", "microseconds of a small message between nodes (as calibrated)", false},
    {"shards", "N", "as given to ingest", false},
    {"study", "NAME", "a study of the calibration", false},
    {"json", NULL, "as JSON", false},
};

/** "68M", "500K", "2.5G": powers of 1000. */
static pc_status read_count(const pc_cli *cli, const char *name, double *out, pc_error *err)
{
    const char *text = pc_cli_value(cli, name);
    if (text == NULL) return PC_OK;
    char *end = NULL;
    const double value = strtod(text, &end);
    static const char unit[] = "KMG";
    const char *found = *end == '\0' ? NULL : strchr(unit, *end);
    const double scale = found == NULL ? 1 : pow(1000, (double)(found - unit + 1));
    const bool is_good = end != text && (*end == '\0' || (found != NULL && end[1] == '\0'));
    if (!is_good || !(value > 0) || value * scale > 1e15) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "option '--%s': '%s' is not a number above 0, such as 12, 0.5 or 68M", name,
                       text);
    }
    *out = value * scale;
    return PC_OK;
}

static pc_status read_bandwidth(const pc_cli *cli, const char *name, double *out, pc_error *err)
{
    double value = 0;
    PC_TRY(read_count(cli, name, &value, err));
    if (value > 0) *out = value * 1e9;
    return PC_OK;
}

static pc_status read_request(const pc_cli *cli, pc_forecast_request *r, pc_error *err)
{
    if (pc_cli_value(cli, "calibration") == NULL || pc_cli_value(cli, "patients") == NULL) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "options '--calibration' and '--patients' are needed; see 'parcours help "
                       "plan'");
    }
    PC_TRY(read_count(cli, "patients", &r->people, err));
    PC_TRY(read_count(cli, "years", &r->years, err));
    PC_TRY(read_count(cli, "nodes", &r->nodes, err));
    PC_TRY(read_count(cli, "cores", &r->cores, err));
    PC_TRY(read_count(cli, "shards", &r->shards, err));
    PC_TRY(read_bandwidth(cli, "read-gbs", &r->read_bytes_s, err));
    r->write_bytes_s = r->read_bytes_s;
    PC_TRY(read_bandwidth(cli, "write-gbs", &r->write_bytes_s, err));
    PC_TRY(read_bandwidth(cli, "net-gbs", &r->node_bytes_s, err));
    PC_TRY(read_count(cli, "message-us", &r->message_s, err));
    r->message_s *= 1e-6;
    size_t bytes = 0;
    const char *delivery = pc_cli_value(cli, "delivery");
    if (delivery != NULL && (!pc_size_parse(delivery, &bytes) || bytes == 0)) {
        return PC_FAIL(err, PC_BAD_JOB, "option '--delivery': '%s' is not a size such as 250T",
                       delivery);
    }
    r->delivery_bytes = (double)bytes;
    r->study = pc_cli_value(cli, "study");
    return PC_OK;
}

static pc_status make(pc_cli *cli, pc_error *err)
{
    pc_forecast_request request = {
        .years = 1, .nodes = 1, .cores = 1, .memory_bytes = (double)cli->budget.limit_bytes};
    pc_calibration calibration;
    pc_forecast forecast;
    PC_TRY(read_request(cli, &request, err));
    PC_TRY(pc_calibration_read(pc_cli_value(cli, "calibration"), &calibration, err));
    PC_TRY(pc_forecast_make(&calibration, &request, &forecast, err));
    pc_buffer text = {.budget = &cli->budget};
    pc_status status = pc_forecast_print(&forecast, pc_cli_has(cli, "json"), &text, err);
    if (status == PC_OK) status = pc_cli_write(cli, (pc_span){text.data, text.bytes}, err);
    pc_buffer_release(&text);
    return status;
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    return pc_comm_agree(cli->comm, make(cli, err), err);
}

const pc_command pc_command_plan = {
    .name = "plan",
    .summary = "foretells sizes and times on a machine",
    .operands = "--calibration FILE --patients N --nodes N --cores N",
    .detail =
        "Each phase of an ingest and of a study: latency, processor, storage, network, and what\n"
        "one rank does alone, in seconds. --memory is what a rank of that machine has. The\n"
        "formulas and where they may be wrong: docs/scaling.md.\n",
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
