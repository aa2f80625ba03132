/** Begin and end of what a command did, in the audit journal. */
#include "cli_journal.h"
#include "parcours/json.h"

static const char *outcome_name(pc_status status)
{
    switch (status) {
        case PC_OK:
            return "done";
        case PC_BAD_JOB:
        case PC_UNSUPPORTED:
            return "invalid";
        case PC_REFUSED:
            return "refused";
        case PC_STOPPED:
            return "stopped";
        case PC_TOO_MANY_REJECTS:
        case PC_BAD_INPUT:
        case PC_NO_MEMORY:
        case PC_IO:
            break;
    }
    return "failed";
}

// The id that the manifest names: the store itself is opened after the record is written.
static pc_status read_store_id(pc_cli *cli, const char *store, const char **out, pc_error *err)
{
    const char *path = pc_cli_path(cli, store, "store.json", err);
    if (path == NULL) return PC_NO_MEMORY;
    pc_json *manifest = NULL;
    pc_status status = pc_json_read(path, &manifest, err);
    if (status != PC_OK) {
        pc_error_prefix(err, "'%s' is not a finished store", store);
        return PC_BAD_INPUT;
    }
    const char *id = pc_json_text(pc_json_get(manifest, "id"));
    if (id == NULL) {
        status = PC_FAIL(err, PC_BAD_INPUT, "'%s' names no store: its \"id\" is missing", path);
    } else {
        const pc_span text = pc_span_of(id);
        *out = pc_arena_text(&cli->arena, text.data, text.bytes, err);
        if (*out == NULL) status = PC_NO_MEMORY;
    }
    pc_json_free(manifest);
    return status;
}

static pc_status begin(pc_cli *cli, pc_audit *audit, pc_error *err)
{
    const char *store = audit->record.store;
    PC_TRY(read_store_id(cli, store, &audit->record.store_id, err));
    audit->path = cli->journal;
    if (audit->path == NULL) audit->path = pc_cli_path(cli, store, "journal.jsonl", err);
    if (audit->path == NULL) return PC_NO_MEMORY;
    audit->record.event = "begin";
    audit->record.command = cli->command->name;
    audit->record.version = pc_engine_version();
    audit->record.unprotected = pc_cli_has(cli, "unprotected");
    audit->record.ranks = pc_comm_size(cli->comm);
    const pc_status status = pc_journal_append(audit->path, &audit->record, err);
    if (status == PC_IO) {
        pc_error_prefix(err, "nothing was read (--journal names another file)");
    }
    return status;
}

pc_status pc_audit_begin(pc_cli *cli, pc_audit *audit, pc_error *err)
{
    pc_status status = PC_OK;
    if (pc_comm_rank(cli->comm) == 0) status = begin(cli, audit, err);
    return pc_comm_agree(cli->comm, status, err);
}

pc_status pc_audit_end(pc_cli *cli, pc_audit *audit, pc_status status, pc_error *err)
{
    pc_error journal_error = {0};
    pc_status written = PC_OK;
    if (pc_comm_rank(cli->comm) == 0) {
        audit->record.event = "end";
        audit->record.outcome = outcome_name(status);
        written = pc_journal_append(audit->path, &audit->record, &journal_error);
    }
    if (status != PC_OK) return status; // the first failure is the one to tell
    *err = journal_error;
    return pc_comm_agree(cli->comm, written, err);
}
