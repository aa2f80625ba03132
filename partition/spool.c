/** Rows put aside: transposed, packed by zstd, in memory first, then in one nameless file. */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include "parcours/spool.h"

enum {
    SPOOL_LEVEL = 1,                   // of zstd: the fastest that still packs runs well
    SPOOL_CONTEXT_BYTES = 1024 * 1024, // what zstd's two contexts take at that level
};

struct pc_spool_pool {
    pc_budget *budget;
    pc_arena arena; // the pool's structs and its spools
    char *scratch;
    int file; // -1: nothing was spilled yet
    int64_t file_bytes;
    size_t memory_bytes, memory_used;
    ZSTD_CCtx *packer;
    ZSTD_DCtx *unpacker;
    bool context_is_counted;
    pc_buffer turned; // a block, transposed
    pc_buffer packed; // a block, packed
    int64_t all_packed_bytes;
    pc_spool *newest; // list of all spools
};

/** Small, since a rank with little memory puts many aside. */
typedef struct spool_block {
    int64_t at; // in the file, or number of the spool's buffer
    uint32_t packed_bytes;
    uint32_t kept_bytes; // of planes that are not constant
    uint32_t row_count;
    bool is_in_memory;
    bool is_plain; // the planes are not packed
} spool_block;

struct pc_spool {
    pc_spool_pool *pool;
    pc_spool *next;
    int row_bytes;
    size_t block_bytes; // of whole rows
    int64_t row_count;
    pc_buffer open;  // rows that are not packed yet
    pc_buffer block; // spool_block structs
    pc_buffer kept;  // pc_buffer structs: blocks in memory
};

pc_status pc_spool_pool_open(const char *scratch, size_t memory_bytes, pc_budget *budget,
                             pc_spool_pool **out, pc_error *err)
{
    pc_arena arena = {.budget = budget};
    pc_spool_pool *pool = pc_arena_take(&arena, sizeof *pool, err);
    if (pool == NULL) return PC_NO_MEMORY;
    pool->arena = arena;
    pool->budget = budget;
    pool->file = -1;
    pool->memory_bytes = memory_bytes;
    pool->turned.budget = budget;
    pool->packed.budget = budget;
    pool->scratch = pc_arena_text(&pool->arena, scratch, strlen(scratch), err);
    pc_status status = pool->scratch == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK) status = pc_budget_take(budget, SPOOL_CONTEXT_BYTES, err);
    pool->context_is_counted = status == PC_OK;
    if (status == PC_OK) {
        pool->packer = ZSTD_createCCtx();
        pool->unpacker = ZSTD_createDCtx();
        if (pool->packer == NULL || pool->unpacker == NULL) {
            status = PC_FAIL(err, PC_NO_MEMORY, "no memory for a zstd context");
        } else {
            // A checksum, since scratch disks are the least trusted ones.
            ZSTD_CCtx_setParameter(pool->packer, ZSTD_c_compressionLevel, SPOOL_LEVEL);
            ZSTD_CCtx_setParameter(pool->packer, ZSTD_c_checksumFlag, 1);
        }
    }
    if (status != PC_OK) {
        pc_spool_pool_close(pool);
        return status;
    }
    *out = pool;
    return PC_OK;
}

void pc_spool_pool_close(pc_spool_pool *pool)
{
    if (pool == NULL) return;
    for (pc_spool *spool = pool->newest; spool != NULL; spool = spool->next) {
        pc_spool_drop(spool);
    }
    if (pool->file >= 0) close(pool->file);
    ZSTD_freeCCtx(pool->packer);
    ZSTD_freeDCtx(pool->unpacker);
    if (pool->context_is_counted) pc_budget_give(pool->budget, SPOOL_CONTEXT_BYTES);
    pc_buffer_release(&pool->turned);
    pc_buffer_release(&pool->packed);
    pc_arena arena = pool->arena; // the pool lies in its own arena
    pc_arena_reset(&arena);
}

int64_t pc_spool_pool_packed(const pc_spool_pool *pool)
{
    return pool->all_packed_bytes;
}

size_t pc_spool_pool_room(const pc_spool_pool *pool)
{
    return pool->memory_bytes - pool->memory_used;
}

int64_t pc_spool_pool_spilled(const pc_spool_pool *pool)
{
    return pool->file_bytes;
}

pc_status pc_spool_open(pc_spool_pool *pool, int row_bytes, size_t block_bytes, pc_spool **out,
                        pc_error *err)
{
    assert(row_bytes > 0 && block_bytes <= PC_SPOOL_BLOCK_BYTES);
    pc_spool *spool = pc_arena_take(&pool->arena, sizeof *spool, err);
    if (spool == NULL) return PC_NO_MEMORY;
    const size_t width = (size_t)row_bytes;
    *spool =
        (pc_spool){.pool = pool,
                   .next = pool->newest,
                   .row_bytes = row_bytes,
                   .block_bytes = block_bytes < width ? width : block_bytes - block_bytes % width,
                   .open.budget = pool->budget,
                   .block.budget = pool->budget,
                   .kept.budget = pool->budget};
    pool->newest = spool;
    *out = spool;
    return PC_OK;
}

/** The scratch file loses its name as soon as it exists. */
static pc_status pool_open_file(pc_spool_pool *pool, pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(&pool->arena);
    const size_t bytes = strlen(pool->scratch) + sizeof "/spool.XXXXXX";
    char *path = pc_arena_take(&pool->arena, bytes, err);
    if (path == NULL) return PC_NO_MEMORY;
    snprintf(path, bytes, "%s/spool.XXXXXX", pool->scratch);
    pool->file = mkstemp(path);
    const int reason = errno;
    if (pool->file >= 0) unlink(path);
    pc_arena_rewind(&pool->arena, mark);
    if (pool->file < 0) {
        return PC_FAIL(err, PC_IO, "scratch folder '%s': cannot make a file: %s", pool->scratch,
                       strerror(reason));
    }
    return PC_OK;
}

static pc_status pool_spill(pc_spool_pool *pool, const char *data, size_t bytes, spool_block *block,
                            pc_error *err)
{
    if (pool->file < 0) PC_TRY(pool_open_file(pool, err));
    for (size_t done = 0; done < bytes;) {
        const ssize_t wrote = pwrite(pool->file, data + done, bytes - done,
                                     (off_t)(pool->file_bytes + (int64_t)done));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            return PC_FAIL(err, PC_IO,
                           "scratch folder '%s': cannot write: %s. Give another with --scratch, or "
                           "more --memory",
                           pool->scratch, wrote < 0 ? strerror(errno) : "no space left");
        }
        done += (size_t)wrote;
    }
    block->at = pool->file_bytes;
    pool->file_bytes += (int64_t)bytes;
    return PC_OK;
}

/** False: there is no memory for it. */
static bool keep_in_memory(pc_spool *spool, size_t bytes, spool_block *block)
{
    pc_spool_pool *pool = spool->pool;
    if (pool->memory_used + bytes > pool->memory_bytes) return false;
    pc_buffer data = {.budget = pool->budget};
    if (pc_buffer_append(&data, pool->packed.data, bytes, NULL) != PC_OK) return false;
    block->at = (int64_t)(spool->kept.bytes / sizeof data);
    if (pc_buffer_append(&spool->kept, &data, sizeof data, NULL) != PC_OK) {
        pc_buffer_release(&data);
        return false;
    }
    pool->memory_used += bytes;
    block->is_in_memory = true;
    return true;
}

/** Memory while there is some, then the file. */
static pc_status spool_keep(pc_spool *spool, size_t bytes, spool_block *block, pc_error *err)
{
    block->packed_bytes = (uint32_t)bytes;
    spool->pool->all_packed_bytes += (int64_t)bytes;
    if (keep_in_memory(spool, bytes, block)) return PC_OK;
    return pool_spill(spool->pool, spool->pool->packed.data, bytes, block, err);
}

/** Moves the planes (the bytes of one place of all rows) that are not constant to the front of the
 *  transposed block; most fields of most rows have high bytes that never change.
 *  @param constant  [row_bytes] the byte of each plane, or -1
 *  @return bytes of the planes that stay */
static size_t squeeze_planes(pc_spool_pool *pool, size_t row_count, size_t row_bytes,
                             int16_t *constant)
{
    size_t kept = 0;
    for (size_t p = 0; p < row_bytes; p++) {
        const char *plane = pool->turned.data + p * row_count;
        const bool is_constant = memcmp(plane, plane + 1, row_count - 1) == 0;
        constant[p] = is_constant ? (int16_t)(unsigned char)plane[0] : -1;
        if (is_constant) continue;
        if (kept < p) memmove(pool->turned.data + kept * row_count, plane, row_count);
        kept++;
    }
    return kept * row_count;
}

/** The opposite: planes at the front to their places, constant ones filled. */
static void spread_planes(pc_spool_pool *pool, size_t row_count, size_t row_bytes,
                          const int16_t *constant)
{
    size_t kept = 0;
    for (size_t p = 0; p < row_bytes; p++)
        kept += constant[p] < 0;
    for (size_t p = row_bytes; p-- > 0;) {
        char *plane = pool->turned.data + p * row_count;
        if (constant[p] >= 0) {
            memset(plane, constant[p], row_count);
        } else if (--kept < p) {
            memmove(plane, pool->turned.data + kept * row_count, row_count);
        }
    }
}

/** Whether there is so much memory that packing is not worth its time. */
static bool pool_has_room(const pc_spool_pool *pool, size_t bytes)
{
    return pool->memory_used + bytes <= pool->memory_bytes / 2;
}

/** Packs the planes at the front of `turned` behind what `packed` begins with. */
static pc_status pack_planes(pc_spool_pool *pool, size_t kept_bytes, pc_error *err)
{
    char *to = pool->packed.data + pool->packed.bytes;
    if (pool_has_room(pool, pool->packed.bytes + kept_bytes)) {
        memcpy(to, pool->turned.data, kept_bytes);
        pool->packed.bytes += kept_bytes;
        return PC_OK;
    }
    const size_t packed =
        ZSTD_compress2(pool->packer, to, pool->packed.capacity_bytes - pool->packed.bytes,
                       pool->turned.data, kept_bytes);
    if (ZSTD_isError(packed)) {
        return PC_FAIL(err, PC_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(packed));
    }
    pool->packed.bytes += packed;
    return PC_OK;
}

/** A block: which planes are constant, then the others, as they are or packed by zstd. */
static pc_status spool_pack(pc_spool *spool, pc_error *err)
{
    pc_spool_pool *pool = spool->pool;
    const size_t bytes = spool->open.bytes;
    if (bytes == 0) return PC_OK;
    const size_t width = (size_t)spool->row_bytes, row_count = bytes / width;
    const size_t head = width * sizeof(int16_t);
    PC_TRY(pc_buffer_reserve(&pool->turned, bytes, err));
    PC_TRY(pc_buffer_reserve(&pool->packed, head + ZSTD_compressBound(bytes), err));
    pc_transpose_bytes((const unsigned char *)spool->open.data, row_count, width,
                       (unsigned char *)pool->turned.data);
    const size_t kept_bytes =
        squeeze_planes(pool, row_count, width, (int16_t *)(void *)pool->packed.data);
    pool->packed.bytes = head;
    const bool is_plain = pool_has_room(pool, head + kept_bytes);
    PC_TRY(pack_planes(pool, kept_bytes, err));
    spool_block block = {
        .row_count = (uint32_t)row_count, .kept_bytes = (uint32_t)kept_bytes, .is_plain = is_plain};
    PC_TRY(pc_buffer_reserve(&spool->block, spool->block.bytes + sizeof block, err));
    PC_TRY(spool_keep(spool, pool->packed.bytes, &block, err));
    spool->open.bytes = 0;
    return pc_buffer_append(&spool->block, &block, sizeof block, err);
}

pc_status pc_spool_append(pc_spool *spool, const unsigned char *row, int64_t row_count,
                          pc_error *err)
{
    const size_t width = (size_t)spool->row_bytes;
    while (row_count > 0) {
        const int64_t room = (int64_t)((spool->block_bytes - spool->open.bytes) / width);
        const int64_t take = row_count < room ? row_count : room;
        PC_TRY(pc_buffer_append(&spool->open, row, (size_t)take * width, err));
        spool->row_count += take;
        row += (size_t)take * width;
        row_count -= take;
        if (take == room) PC_TRY(spool_pack(spool, err));
    }
    return PC_OK;
}

static pc_status spool_evict(pc_spool *spool, pc_error *err)
{
    spool_block *block = (spool_block *)(void *)spool->block.data;
    pc_buffer *kept = (pc_buffer *)(void *)spool->kept.data;
    for (int i = 0; i < pc_spool_block_count(spool); i++) {
        if (!block[i].is_in_memory) continue;
        pc_buffer *data = &kept[block[i].at];
        PC_TRY(pool_spill(spool->pool, data->data, data->bytes, &block[i], err));
        block[i].is_in_memory = false;
        spool->pool->memory_used -= block[i].packed_bytes;
        pc_buffer_release(data);
    }
    pc_buffer_release(&spool->kept);
    return PC_OK;
}

pc_status pc_spool_pool_evict(pc_spool_pool *pool, pc_error *err)
{
    pool->memory_bytes = pool->memory_used;
    for (pc_spool *spool = pool->newest; spool != NULL; spool = spool->next)
        PC_TRY(spool_evict(spool, err));
    pool->memory_bytes = 0;
    return PC_OK;
}

pc_status pc_spool_seal(pc_spool *spool, pc_error *err)
{
    PC_TRY(spool_pack(spool, err));
    pc_buffer_release(&spool->open);
    return PC_OK;
}

int64_t pc_spool_row_count(const pc_spool *spool)
{
    return spool->row_count;
}

int pc_spool_block_count(const pc_spool *spool)
{
    return (int)(spool->block.bytes / sizeof(spool_block));
}

static pc_status pool_fetch(pc_spool_pool *pool, const spool_block *block, pc_error *err)
{
    PC_TRY(pc_buffer_reserve(&pool->packed, block->packed_bytes, err));
    for (size_t done = 0; done < block->packed_bytes;) {
        const ssize_t got = pread(pool->file, pool->packed.data + done, block->packed_bytes - done,
                                  (off_t)(block->at + (int64_t)done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            return PC_FAIL(err, PC_IO, "scratch folder '%s': cannot read what was written: %s",
                           pool->scratch, got < 0 ? strerror(errno) : "the file is cut short");
        }
        done += (size_t)got;
    }
    return PC_OK;
}

pc_status pc_spool_read(pc_spool *spool, int block, pc_buffer *out, pc_error *err)
{
    assert(spool->open.bytes == 0 && block < pc_spool_block_count(spool));
    pc_spool_pool *pool = spool->pool;
    const spool_block *b = (const spool_block *)(const void *)spool->block.data + block;
    const size_t bytes = (size_t)b->row_count * (size_t)spool->row_bytes;
    PC_TRY(pc_buffer_reserve(&pool->turned, bytes, err));
    PC_TRY(pc_buffer_reserve(out, out->bytes + bytes, err));
    if (!b->is_in_memory) PC_TRY(pool_fetch(pool, b, err));
    const pc_buffer *kept = (const pc_buffer *)(const void *)spool->kept.data;
    const char *packed = b->is_in_memory ? kept[b->at].data : pool->packed.data;
    const size_t head = (size_t)spool->row_bytes * sizeof(int16_t);
    size_t got = b->kept_bytes;
    if (b->is_plain) {
        memcpy(pool->turned.data, packed + head, got);
    } else {
        got = ZSTD_decompressDCtx(pool->unpacker, pool->turned.data, bytes, packed + head,
                                  b->packed_bytes - head);
    }
    if (ZSTD_isError(got) || got != b->kept_bytes) {
        return PC_FAIL(err, PC_IO, "scratch folder '%s': a block came back damaged", pool->scratch);
    }
    spread_planes(pool, (size_t)b->row_count, (size_t)spool->row_bytes,
                  (const int16_t *)(const void *)packed);
    pc_transpose_bytes((const unsigned char *)pool->turned.data, (size_t)spool->row_bytes,
                       (size_t)b->row_count, (unsigned char *)out->data + out->bytes);
    out->bytes += bytes;
    return PC_OK;
}

void pc_spool_drop(pc_spool *spool)
{
    const spool_block *block = (const spool_block *)(const void *)spool->block.data;
    pc_buffer *kept = (pc_buffer *)(void *)spool->kept.data;
    for (int i = 0; i < pc_spool_block_count(spool); i++) {
        if (!block[i].is_in_memory) continue;
        spool->pool->memory_used -= block[i].packed_bytes;
        pc_buffer_release(&kept[block[i].at]);
    }
    pc_buffer_release(&spool->open);
    pc_buffer_release(&spool->block);
    pc_buffer_release(&spool->kept);
    spool->row_count = 0;
}
