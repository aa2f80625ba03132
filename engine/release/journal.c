/** The audit journal. A line's hash is the BLAKE2b-256 of its bytes without the line feed; the next
 *  line carries it as "previous"; the first line's is all zeros. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "parcours/json.h"
#include "parcours/journal.h"

enum {
    RECORD_BYTES = 64 * 1024, // the longest line: a record is read back through one buffer
    SUBJECT_BYTES = 8 * 1024, // of an SQL text; escaped it is at most 6 times as long
    MODE = 0600,              // who asked what is nobody else's
    PASSWORD_ENTRY_BYTES = 4096
};

static pc_status fail_io(const char *path, const char *what, pc_error *err)
{
    return PC_FAIL(err, PC_IO, "journal '%s': cannot %s: %s", path, what, strerror(errno));
}

// The hash that the next line carries: of the last line of the file, `file_bytes` long.
static pc_status last_hash(int file, const char *path, off_t file_bytes, char *buffer,
                           char out[PC_DIGEST_TEXT_BYTES], pc_error *err)
{
    if (file_bytes == 0) {
        memset(out, '0', PC_DIGEST_TEXT_BYTES - 1);
        out[PC_DIGEST_TEXT_BYTES - 1] = '\0';
        return PC_OK;
    }
    const size_t bytes = file_bytes < RECORD_BYTES ? (size_t)file_bytes : (size_t)RECORD_BYTES;
    if (pread(file, buffer, bytes, file_bytes - (off_t)bytes) != (ssize_t)bytes) {
        return fail_io(path, "read", err);
    }
    size_t start = bytes - 1;
    while (start > 0 && buffer[start - 1] != '\n') {
        start--;
    }
    const bool whole = start > 0 || bytes == (size_t)file_bytes;
    if (buffer[bytes - 1] != '\n' || !whole) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "journal '%s': its end is not a whole record; keep it for inspection and "
                       "begin another with --journal",
                       path);
    }
    const pc_digest digest = pc_digest_of(buffer + start, bytes - 1 - start);
    pc_digest_format(&digest, out);
    return PC_OK;
}

static pc_status add_text(pc_buffer *line, const char *key, const char *value, pc_error *err)
{
    if (value == NULL) return PC_OK;
    pc_span text = pc_span_of(value);
    if (text.bytes > SUBJECT_BYTES) {
        text.bytes = pc_utf8_prefix((pc_span){value, SUBJECT_BYTES});
    }
    PC_TRY(pc_buffer_print(line, err, ",\"%s\":", key));
    return pc_json_write_text(line, text, err);
}

static pc_status add_who(pc_buffer *line, pc_error *err)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[PASSWORD_ENTRY_BYTES];
    (void)getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found);
    PC_TRY(pc_buffer_print(line, err, ",\"uid\":%lld", (long long)getuid()));
    PC_TRY(add_text(line, "user", found == NULL ? NULL : found->pw_name, err));
    return add_text(line, "job", getenv("SLURM_JOB_ID"), err);
}

static pc_status add_parameters(pc_buffer *line, const pc_journal_record *r, pc_error *err)
{
    for (int i = 0; i < r->set_count; i++) {
        PC_TRY(pc_buffer_print(line, err, i == 0 ? ",\"set\":[" : ","));
        PC_TRY(pc_json_write_text(line, pc_span_of(r->set[i]), err));
    }
    return r->set_count == 0 ? PC_OK : pc_buffer_print(line, err, "]");
}

static pc_status make_line(const pc_journal_record *r, const char *previous, pc_buffer *line,
                           pc_error *err)
{
    char stamp[32] = "";
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL ||
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        return PC_FAIL(err, PC_IO, "journal: the system's clock cannot be read");
    }
    PC_TRY(pc_buffer_print(line, err, "{\"previous\":\"%s\",\"time\":\"%s\"", previous, stamp));
    PC_TRY(add_text(line, "event", r->event, err));
    PC_TRY(add_who(line, err));
    PC_TRY(add_text(line, "command", r->command, err));
    PC_TRY(add_text(line, "version", r->version, err));
    PC_TRY(add_text(line, "store", r->store, err));
    PC_TRY(add_text(line, "store_id", r->store_id, err));
    PC_TRY(add_text(line, "subject", r->subject, err));
    PC_TRY(add_text(line, "subject_hash", r->subject_digest, err));
    PC_TRY(add_parameters(line, r, err));
    PC_TRY(pc_buffer_print(line, err, ",\"ranks\":%d,\"unprotected\":%s", r->ranks,
                           r->unprotected ? "true" : "false"));
    PC_TRY(add_text(line, "output", r->output, err));
    PC_TRY(add_text(line, "output_hash", r->output_digest, err));
    PC_TRY(add_text(line, "outcome", r->outcome, err));
    PC_TRY(pc_buffer_print(line, err, "}\n"));
    if (line->bytes > RECORD_BYTES) {
        return PC_FAIL(err, PC_BAD_INPUT, "journal: a record of %zu bytes is too long",
                       line->bytes);
    }
    return PC_OK;
}

static pc_status append_line(int file, const char *path, const pc_buffer *line, off_t file_bytes,
                             pc_error *err)
{
    const ssize_t written = write(file, line->data, line->bytes);
    if (written == (ssize_t)line->bytes && fsync(file) == 0) return PC_OK;
    const pc_status status = fail_io(path, "append", err);
    // Half a record would end the journal for good: the file is cut back to what it was.
    if (ftruncate(file, file_bytes) != 0) {
        pc_error_prefix(err, "half a record may be at its end");
    }
    return status;
}

static pc_status append_locked(int file, const char *path, const pc_journal_record *record,
                               pc_buffer *line, pc_buffer *scratch, pc_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_SETLKW, &lock) != 0) return fail_io(path, "lock", err);
    struct stat info;
    if (fstat(file, &info) != 0) return fail_io(path, "read", err);
    char previous[PC_DIGEST_TEXT_BYTES];
    PC_TRY(pc_buffer_reserve(scratch, RECORD_BYTES, err));
    PC_TRY(last_hash(file, path, info.st_size, scratch->data, previous, err));
    PC_TRY(make_line(record, previous, line, err));
    return append_line(file, path, line, info.st_size, err);
}

pc_status pc_journal_append(const char *path, const pc_journal_record *record, pc_error *err)
{
    const int file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, MODE);
    if (file < 0) return fail_io(path, "open", err);
    pc_buffer line = {0};
    pc_buffer scratch = {0};
    pc_status status = append_locked(file, path, record, &line, &scratch, err);
    pc_buffer_release(&scratch);
    pc_buffer_release(&line);
    if (close(file) != 0 && status == PC_OK) status = fail_io(path, "close", err); // frees the lock
    return status;
}

// One line, without its line feed. `previous` becomes its hash.
static pc_status check_line(pc_span text, const char *path, int64_t number,
                            char previous[PC_DIGEST_TEXT_BYTES], pc_error *err)
{
    pc_json *record = NULL;
    pc_status status = pc_json_parse(text, path, &record, err);
    if (status != PC_OK) {
        status = PC_FAIL(err, PC_BAD_INPUT, "journal '%s', line %lld: not a record", path,
                         (long long)number);
    } else {
        const char *said = pc_json_text(pc_json_get(record, "previous"));
        if (said == NULL || strcmp(said, previous) != 0) {
            status = PC_FAIL(err, PC_BAD_INPUT,
                             "journal '%s', line %lld: does not follow from the line before: a "
                             "line was changed, taken out or put in",
                             path, (long long)number);
        }
    }
    pc_json_free(record);
    const pc_digest digest = pc_digest_of(text.data, text.bytes);
    pc_digest_format(&digest, previous);
    return status;
}

static pc_status check_lines(FILE *file, const char *path, char *buffer, int64_t *lines,
                             pc_error *err)
{
    char previous[PC_DIGEST_TEXT_BYTES];
    memset(previous, '0', sizeof previous - 1);
    previous[sizeof previous - 1] = '\0';
    *lines = 0;
    while (fgets(buffer, RECORD_BYTES + 1, file) != NULL) {
        const size_t bytes = strlen(buffer);
        if (bytes == 0 || buffer[bytes - 1] != '\n') {
            return PC_FAIL(err, PC_BAD_INPUT, "journal '%s', line %lld: not a whole record", path,
                           (long long)*lines + 1);
        }
        PC_TRY(check_line((pc_span){buffer, bytes - 1}, path, *lines + 1, previous, err));
        ++*lines;
    }
    return ferror(file) ? fail_io(path, "read", err) : PC_OK;
}

pc_status pc_journal_verify(const char *path, int64_t *lines, pc_error *err)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) return fail_io(path, "open", err);
    pc_buffer buffer = {0};
    pc_status status = pc_buffer_reserve(&buffer, RECORD_BYTES + 1, err);
    if (status == PC_OK) status = check_lines(file, path, buffer.data, lines, err);
    pc_buffer_release(&buffer);
    (void)fclose(file); // only read
    return status;
}
