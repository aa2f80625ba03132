/** The bytes of a CSV file: plain, .gz (zlib) or .zst (zstd). What is hashed are the bytes on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include "csv_private.h"

enum {
    INPUT_BYTES = 128 * 1024, // compressed bytes read at once
    ZLIB_BYTES = 64 * 1024,   // what inflate takes for its window and state
    GZIP_OR_ZLIB = 15 + 32    // window bits of inflateInit2: detect the header
};

static bool ends_with(const char *path, const char *end)
{
    const size_t bytes = strlen(path);
    const size_t end_bytes = strlen(end);
    return bytes > end_bytes &&
           pc_span_equal_nocase((pc_span){path + bytes - end_bytes, end_bytes}, pc_span_of(end));
}

bool csv_is_compressed(const char *path)
{
    return ends_with(path, ".gz") || ends_with(path, ".zst");
}

static pc_status take_library_bytes(csv_source *s, size_t bytes, pc_error *err)
{
    if (bytes <= s->decoder_bytes) return PC_OK;
    PC_TRY(pc_budget_take(s->budget, bytes - s->decoder_bytes, err));
    s->decoder_bytes = bytes;
    return PC_OK;
}

static pc_status open_gzip(csv_source *s, pc_error *err)
{
    PC_TRY(take_library_bytes(s, ZLIB_BYTES, err));
    PC_TRY(pc_buffer_reserve(&s->decoder_memory, sizeof(z_stream), err));
    z_stream *stream = (z_stream *)(void *)s->decoder_memory.data;
    memset(stream, 0, sizeof *stream);
    if (inflateInit2(stream, GZIP_OR_ZLIB) != Z_OK) {
        return PC_FAIL(err, PC_NO_MEMORY, "file '%s': zlib cannot start", s->name);
    }
    s->decoder = stream;
    return PC_OK;
}

static pc_status open_zstd(csv_source *s, pc_error *err)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (stream == NULL) return PC_FAIL(err, PC_NO_MEMORY, "file '%s': zstd cannot start", s->name);
    s->decoder = stream;
    (void)ZSTD_initDStream(stream);
    return take_library_bytes(s, ZSTD_sizeof_DStream(stream), err);
}

pc_status csv_source_open(csv_source *source, const char *path, const char *name, int64_t offset,
                          pc_budget *budget, pc_error *err)
{
    *source = (csv_source){.fd = -1, .name = name, .budget = budget, .offset = offset};
    source->input.budget = budget;
    source->decoder_memory.budget = budget;
    if (ends_with(path, ".gz")) source->kind = CSV_GZIP;
    if (ends_with(path, ".zst")) source->kind = CSV_ZSTD;
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0) {
        return PC_FAIL(err, PC_IO, "file '%s': cannot be opened: %s", name, strerror(errno));
    }
    if (source->kind == CSV_PLAIN) return PC_OK;
    PC_TRY(pc_buffer_reserve(&source->input, INPUT_BYTES, err));
    return source->kind == CSV_GZIP ? open_gzip(source, err) : open_zstd(source, err);
}

static void hash_piece(csv_source *s, const char *data, int64_t from, size_t bytes)
{
    if (s->digest == NULL) return;
    int64_t to = from + (int64_t)bytes;
    int64_t begin = from > s->hash_from ? from : s->hash_from;
    if (to > s->hash_to) to = s->hash_to;
    if (begin < to) pc_fingerprint_add(s->digest, data + (begin - from), (size_t)(to - begin));
}

static pc_status read_disk(csv_source *s, char *out, size_t room, size_t *got, pc_error *err)
{
    ssize_t bytes;
    do {
        bytes = pread(s->fd, out, room, (off_t)s->offset);
    } while (bytes < 0 && errno == EINTR);
    if (bytes < 0) {
        return PC_FAIL(err, PC_IO, "file '%s': cannot be read: %s", s->name, strerror(errno));
    }
    hash_piece(s, out, s->offset, (size_t)bytes);
    s->offset += bytes;
    *got = (size_t)bytes;
    return PC_OK;
}

static pc_status broken(const csv_source *s, pc_error *err)
{
    return PC_FAIL(err, PC_BAD_INPUT, "file '%s': its compressed data is damaged near byte %lld",
                   s->name, (long long)s->offset);
}

// One step of inflate; a .gz file may hold several streams, one behind the other.
static pc_status step_gzip(csv_source *s, char *out, size_t room, size_t *got, pc_error *err)
{
    z_stream *z = s->decoder;
    if (s->stream_ended) {
        if (inflateReset(z) != Z_OK) return broken(s, err);
        s->stream_ended = false;
    }
    z->next_in = (Bytef *)(void *)(s->input.data + s->input_at);
    z->avail_in = (uInt)(s->input.bytes - s->input_at);
    z->next_out = (Bytef *)(void *)out;
    z->avail_out = (uInt)room;
    const int result = inflate(z, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return broken(s, err);
    s->input_at = s->input.bytes - z->avail_in;
    s->stream_ended = result == Z_STREAM_END;
    *got = room - z->avail_out;
    return PC_OK;
}

static pc_status step_zstd(csv_source *s, char *out, size_t room, size_t *got, pc_error *err)
{
    ZSTD_inBuffer in = {s->input.data, s->input.bytes, s->input_at};
    ZSTD_outBuffer to = {out, room, 0};
    const size_t left = ZSTD_decompressStream(s->decoder, &to, &in);
    if (ZSTD_isError(left) != 0) return broken(s, err);
    s->input_at = in.pos;
    s->stream_ended = left == 0;
    *got = to.pos;
    return take_library_bytes(s, ZSTD_sizeof_DStream(s->decoder), err);
}

static pc_status read_compressed(csv_source *s, char *out, size_t room, size_t *got, pc_error *err)
{
    *got = 0;
    while (*got == 0) {
        if (s->input_at == s->input.bytes && !s->input_ended) {
            size_t bytes = 0;
            PC_TRY(read_disk(s, s->input.data, INPUT_BYTES, &bytes, err));
            s->input.bytes = bytes;
            s->input_at = 0;
            s->input_ended = bytes == 0;
        }
        const bool no_input = s->input_at == s->input.bytes;
        if (no_input && s->stream_ended) return PC_OK;
        const size_t before = s->input_at;
        PC_TRY(s->kind == CSV_GZIP ? step_gzip(s, out, room, got, err)
                                   : step_zstd(s, out, room, got, err));
        if (no_input && *got == 0 && s->input_at == before) {
            return PC_FAIL(err, PC_BAD_INPUT, "file '%s': its compressed data is cut short",
                           s->name);
        }
    }
    return PC_OK;
}

pc_status csv_source_read(csv_source *source, char *out, size_t room, size_t *got, pc_error *err)
{
    if (source->kind == CSV_PLAIN) return read_disk(source, out, room, got, err);
    return read_compressed(source, out, room, got, err);
}

void csv_source_close(csv_source *source)
{
    if (source->fd >= 0) (void)close(source->fd);
    if (source->decoder != NULL && source->kind == CSV_GZIP) (void)inflateEnd(source->decoder);
    if (source->decoder != NULL && source->kind == CSV_ZSTD) {
        (void)ZSTD_freeDStream(source->decoder);
    }
    pc_buffer_release(&source->input);
    pc_buffer_release(&source->decoder_memory);
    pc_budget_give(source->budget, source->decoder_bytes);
    source->fd = -1;
    source->decoder = NULL;
    source->decoder_bytes = 0;
}
