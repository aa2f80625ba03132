/** One pass over the store for all definitions. */
#include "cohorts_run.h"
#include <string.h>

enum {
    ROWS_SHARE = 4,             // a quarter of the memory for rows that wait
    OPEN_ROWS_BYTES = 16 << 20, // of all spools together, not packed yet ...
    LEAST_OPEN_BYTES = 1024,    // ... but of each no less
    MOST_OPEN_BYTES = 64 * 1024
};

static void put_be(unsigned char *out, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        out[i] = (unsigned char)(value & 0xff);
}

static uint64_t get_be(const unsigned char *in, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | in[i];
    return value;
}

static const uint64_t sign64 = UINT64_C(1) << 63; // turned round, numbers sort as their bytes do
static const uint32_t sign32 = UINT32_C(1) << 31;

void pc_cohorts_row_put(unsigned char *row, int64_t subject, pc_circe_period episode)
{
    put_be(row, (uint64_t)subject ^ sign64, 8);
    put_be(row + 8, (uint32_t)episode.start ^ sign32, 4);
    put_be(row + 12, (uint32_t)episode.end ^ sign32, 4);
}

int64_t pc_cohorts_row_subject(const unsigned char *row)
{
    return (int64_t)(get_be(row, 8) ^ sign64);
}

pc_circe_period pc_cohorts_row_episode(const unsigned char *row)
{
    return (pc_circe_period){(int32_t)((uint32_t)get_be(row + 8, 4) ^ sign32),
                             (int32_t)((uint32_t)get_be(row + 12, 4) ^ sign32)};
}

/** A definition for the person at hand, at most once. */
static pc_status look_at(pc_cohorts *run, int definition, pc_error *err)
{
    if (run->seen[definition] == run->serial) return PC_OK;
    run->seen[definition] = run->serial;
    run->evaluations++;
    run->episodes.bytes = 0;
    PC_TRY(pc_circe_cohort(&run->person, definition, &run->counts, &run->episodes, err));
    const pc_circe_period *episode = (const pc_circe_period *)(const void *)run->episodes.data;
    for (size_t i = 0; i < run->episodes.bytes / sizeof *episode; i++) {
        unsigned char row[PC_COHORTS_ROW_BYTES];
        pc_cohorts_row_put(row, run->person.subject, episode[i]);
        PC_TRY(pc_spool_append(run->spool[definition], row, 1, err));
    }
    return PC_OK;
}

static pc_status eval_block(void *context, int shard, pc_block *block, const pc_reader *reader,
                            pc_error *err)
{
    pc_cohorts *run = context;
    (void)shard;
    pc_arena_empty(&run->block_arena);
    PC_TRY(run->lens.is_used
               ? pc_circe_native_block(run->lens.views, block, reader, &run->block_arena,
                                       &run->block, err)
               : pc_circe_block_read(&run->source, block, &run->block_arena, &run->block, err));
    for (int slot = 0; slot < block->slot_count; slot++) {
        if (block->slot_key[slot].byte[0] != PC_SLOT_RESOLVED) continue;
        pc_circe_person *person = &run->person;
        PC_TRY(pc_circe_person_set(person, &run->block, slot, err));
        if (person->period_count == 0) continue;
        run->serial++;
        const pc_circe_lists *begins = &run->program.begins;
        // What a definition asks for may make more leaves, but no leaf gets its first row then.
        for (int i = 0; i < person->touched_count; i++) {
            const int leaf = person->touched[i];
            for (int at = begins->first[leaf]; at < begins->first[leaf + 1]; at++)
                PC_TRY(look_at(run, begins->item[at], err));
        }
    }
    return PC_OK;
}

static size_t open_bytes(const pc_cohorts *run)
{
    const size_t share = OPEN_ROWS_BYTES / ((size_t)run->computed_count + 1);
    return share < LEAST_OPEN_BYTES  ? LEAST_OPEN_BYTES
           : share > MOST_OPEN_BYTES ? MOST_OPEN_BYTES
                                     : share;
}

/** Makes ready for the pass. Local. */
static pc_status open_pass(pc_cohorts *run, pc_error *err)
{
    pc_budget *budget = run->options->budget;
    PC_TRY(pc_circe_compile(run->definition, run->computed_count, run->concepts, &run->arena,
                            &run->program, err));
    if (run->computed_count == 0) return PC_OK;
    PC_TRY(run->lens.is_used
               ? pc_cohorts_lens_bind(run, err)
               : pc_circe_source_open(&run->program, run->store, &run->arena, &run->source, err));
    PC_TRY(pc_circe_person_open(&run->person, &run->source, &run->arena, err));
    PC_TRY(pc_circe_counts_open(&run->counts, &run->program, &run->arena, err));
    const char *scratch = run->options->scratch == NULL ? run->options->out : run->options->scratch;
    const size_t room = budget->limit_bytes == 0 ? (size_t)1 << 30 : budget->limit_bytes;
    PC_TRY(pc_spool_pool_open(scratch, room / ROWS_SHARE, budget, &run->pool, err));
    const size_t count = (size_t)run->computed_count;
    run->spool = pc_arena_array(&run->arena, count, sizeof(pc_spool *), err);
    run->seen = pc_arena_array(&run->arena, count, sizeof *run->seen, err);
    if (run->spool == NULL || run->seen == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < run->computed_count; i++) {
        PC_TRY(
            pc_spool_open(run->pool, PC_COHORTS_ROW_BYTES, open_bytes(run), &run->spool[i], err));
    }
    return PC_OK;
}

/** What the definitions are; with `kept` also which of them need not be computed. */
static pc_digest digest_entries(const pc_cohorts *run, bool kept)
{
    pc_digest_state state;
    pc_digest_begin(&state);
    for (int i = 0; i < run->entry_count; i++) {
        const pc_cohorts_entry *entry = &run->entry[i];
        pc_digest_add(&state, entry->key, sizeof entry->key);
        if (kept) pc_digest_add(&state, entry->is_kept ? "k" : "c", 1);
    }
    return pc_digest_end(&state);
}

/** Every rank reads the files, the store and what the last run left for itself: they must be those
 *  of rank 0. */
static pc_status compare_ranks(pc_cohorts *run, pc_error *err)
{
    const pc_digest mine = digest_entries(run, true), shown = digest_entries(run, false);
    pc_digest first = mine;
    pc_comm_broadcast(run->comm, &first, sizeof first);
    pc_digest_format(&shown, run->output.study_hash);
    pc_status status = PC_OK;
    if (memcmp(&first, &mine, sizeof mine) != 0) {
        status = PC_FAIL(err, PC_BAD_INPUT,
                         "rank %d reads other definitions, or another store, than rank 0: are the "
                         "folders shared by all nodes?",
                         pc_comm_rank(run->comm));
    }
    return pc_comm_agree(run->comm, status, err);
}

/** Before the first row is read: store, definitions, concept sets. Collective. */
static pc_status prepare(pc_cohorts *run, pc_error *err)
{
    pc_status status = pc_store_open(run->options->store, run->options->budget, &run->store, err);
    status = pc_comm_agree(run->comm, status, err);
    if (status != PC_OK) return status;
    PC_TRY(pc_cohorts_lens_open(run, err));
    status = pc_comm_agree(run->comm, pc_cohorts_read(run, err), err);
    if (status != PC_OK) return status;
    PC_TRY(compare_ranks(run, err));
    run->session.store = run->store;
    if (run->computed_count > 0) {
        status = pc_comm_rank(run->comm) == 0 ? pc_cohorts_vocabulary(run, err) : PC_OK;
        status = pc_comm_agree(run->comm, status, err);
        if (status != PC_OK) return status;
        PC_TRY(circe_concepts_share(run->concepts, run->comm, &run->vocabulary, err));
    }
    status = PC_OK;
    if (pc_comm_rank(run->comm) == 0) status = pc_cohorts_look(run, err);
    if (pc_comm_rank(run->comm) == 0 && status == PC_OK) {
        status = pc_output_begin(&run->output, err);
    }
    status = pc_comm_agree(run->comm, status, err);
    if (status != PC_OK) return status;
    return pc_comm_agree(run->comm, open_pass(run, err), err);
}

/** The pass. Collective. */
static pc_status scan(pc_cohorts *run, pc_run_counts *counts, pc_error *err)
{
    if (run->computed_count == 0) return PC_OK;
    const pc_read_request request = {.table = run->source.tables};
    const pc_shards work = {.store = run->store,
                            .request = &request,
                            .budget = run->options->budget,
                            .log = run->log,
                            .context = run,
                            .block = eval_block};
    PC_TRY(pc_shards_run(run->comm, &work, counts, err));
    pc_arena_reset(&run->block_arena);
    pc_circe_person_close(&run->person);
    return pc_comm_reduce(run->comm, &run->counts, pc_circe_counts_pack, pc_circe_counts_merge,
                          run->options->budget, err);
}

static pc_status run_all(pc_cohorts *run, pc_error *err)
{
    const double began = pc_clock_s();
    PC_TRY(prepare(run, err));
    const double opened = pc_clock_s();
    pc_run_counts *counts = &run->output.counts;
    PC_TRY(scan(run, counts, err));
    const double scanned = pc_clock_s();
    int64_t sums[] = {counts->read.rows, counts->read.bytes_read, run->evaluations, counts->shards,
                      counts->read.slots};
    pc_comm_sum_int64(run->comm, sums, 5);
    counts->read.rows = sums[0];
    counts->read.bytes_read = sums[1];
    counts->shards = sums[3];
    counts->read.slots = sums[4];
    run->output.open_s = opened - began;
    run->output.scan_s = scanned - opened;
    PC_TRY(pc_cohorts_lens_report(run, err));
    PC_TRY(pc_cohorts_write_all(run, err));
    pc_log_line(run->log, PC_INFO, "cohorts",
                "definitions=%d computed=%d criteria=%d concept_sets=%d rows=%lld bytes=%lld "
                "evaluations=%lld ranks=%d open_s=%.3f scan_s=%.3f write_s=%.3f",
                run->entry_count, run->computed_count, run->program.leaf_count,
                circe_concepts_count(run->concepts), (long long)sums[0], (long long)sums[1],
                (long long)sums[2], run->output.ranks, run->output.open_s, run->output.scan_s,
                pc_clock_s() - scanned);
    return PC_OK;
}

static void close_run(pc_cohorts *run)
{
    pc_circe_person_close(&run->person);
    pc_circe_source_close(&run->source);
    pc_circe_counts_close(&run->counts);
    pc_cohorts_lens_close(run);
    pc_spool_pool_close(run->pool);
    pc_buffer_release(&run->episodes);
    pc_buffer_release(&run->output.files);
    pc_buffer_release(&run->output.protection);
    pc_arena_reset(&run->block_arena);
    pc_store_close(run->store);
    pc_arena_reset(&run->arena);
}

pc_status pc_cohorts_run(pc_comm *comm, const pc_cohorts_options *options, const pc_log *log,
                         pc_error *err)
{
    pc_cohorts run = {.comm = comm,
                      .log = log,
                      .options = options,
                      .arena = {.budget = options->budget},
                      .block_arena = {.budget = options->budget},
                      .episodes = {.budget = options->budget},
                      .study_options = {.out = options->out,
                                        .unprotected = options->unprotected,
                                        .budget = options->budget}};
    run.output = (pc_output){.options = &run.study_options,
                             .session = &run.session,
                             .lost = &run.lost,
                             .ranks = pc_comm_size(comm),
                             .files = {.budget = options->budget},
                             .protection = {.budget = options->budget}};
    const pc_status status = run_all(&run, err);
    close_run(&run);
    return status;
}
