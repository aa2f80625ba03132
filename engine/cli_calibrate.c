/** parcours calibrate: the constants of this machine. */
#include "capacity/capacity.h"
#include "parcours/cli.h"
#include "parcours/release.h"

enum { USUAL_PEOPLE = 1000, LEAST_PEOPLE = 100 };

static const pc_option option[] = {
    {"out", "FILE", "writes the constants there", false},
    {"people", "N", "of the small population; the large one has four times as many (1000)", false},
};

static pc_status read_options(const pc_cli *cli, pc_calibration_options *o, pc_error *err)
{
    if (pc_cli_value(cli, "out") == NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "option '--out' is needed; see 'parcours help calibrate'");
    }
    return pc_cli_int(cli, "people", LEAST_PEOPLE, &o->people, err);
}

static pc_status write_constants(pc_cli *cli, const pc_calibration *found, pc_error *err)
{
    if (pc_comm_rank(cli->comm) != 0) return PC_OK;
    pc_buffer text = {.budget = &cli->budget};
    pc_status status = pc_calibration_print(found, &text, err);
    if (status == PC_OK) {
        status =
            pc_file_write(pc_cli_value(cli, "out"), (pc_span){text.data, text.bytes}, 0644, err);
    }
    pc_buffer_release(&text);
    return status;
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_calibration_options options = {.study = cli->operand,
                                      .study_count = cli->operand_count,
                                      .people = USUAL_PEOPLE,
                                      .scratch = cli->scratch == NULL ? "." : cli->scratch,
                                      .share = cli->share,
                                      .budget = &cli->budget};
    pc_status status = pc_comm_agree(cli->comm, read_options(cli, &options, err), err);
    if (status != PC_OK) return status;
    pc_calibration found;
    status = pc_calibrate(cli->comm, &options, &found, err);
    if (status != PC_OK) return status;
    status = pc_comm_agree(cli->comm, write_constants(cli, &found, err), err);
    if (status != PC_OK) return status;
    pc_log_line(&cli->log, PC_INFO, "calibrated",
                "ranks=%d studies=%d read_mb_s=%.0f write_mb_s=%.0f sync_ms=%.2f message_us=%.1f "
                "exchange_mb_s=%.0f",
                found.ranks, found.study_count, found.read_bytes_s / 1e6, found.write_bytes_s / 1e6,
                found.sync_s * 1e3, found.message_s * 1e6, found.exchange_bytes_s / 1e6);
    return PC_OK;
}

const pc_command pc_command_calibrate = {
    .name = "calibrate",
    .summary = "measures this machine, for plan",
    .operands = "[STUDY.json ...] --out FILE",
    .detail =
        "Every rank makes, loads and studies synthetic populations of two sizes in --scratch\n"
        "(default: the current folder), all at the same time, then ranks talk to each other. What\n"
        "was made is removed. Start it with as many ranks as a node has cores, in the file system\n"
        "that will hold the store.\n",
    .most_operands = PC_CAPACITY_STUDIES,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
