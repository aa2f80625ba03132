/** @file parcours/status.h
 *  How a function says that it failed, and the sentence that a person reads.
 */
#ifndef PC_STATUS_H
#define PC_STATUS_H

/** What a caller can act on. The exit code of the command follows from it. */
typedef enum pc_status {
    PC_OK = 0,
    PC_BAD_JOB,          ///< wrong usage, invalid study, invalid model (exit 2)
    PC_UNSUPPORTED,      ///< understood, but not offered (exit 2)
    PC_REFUSED,          ///< refused by disclosure control (exit 3)
    PC_TOO_MANY_REJECTS, ///< more rejected rows than --max-rejects (exit 4)
    PC_STOPPED,          ///< stopped by a signal, a checkpoint is written (exit 75)
    PC_BAD_INPUT,        ///< data or store not as expected (exit 1)
    PC_NO_MEMORY,        ///< the memory budget is spent (exit 1)
    PC_IO                ///< the operating system refused (exit 1)
} pc_status;

enum { PC_ERROR_BYTES = 1024 }; // one sentence with two paths in it

/** The sentence of a failure. Start with `pc_error err = {0}`. */
typedef struct pc_error {
    pc_status status;
    char text[PC_ERROR_BYTES]; ///< NUL-terminated UTF-8, no line feed, no cell value
} pc_error;

#if defined(__GNUC__)
#define PC_MUST_CHECK                  __attribute__((warn_unused_result))
#define PC_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define PC_MUST_CHECK
#define PC_PRINTF(format_at, first_at)
#endif

/** Writes the sentence and returns `status`. Local. `err` may be NULL. A text that is too long is
 *  cut at a whole UTF-8 character. */
pc_status pc_fail(pc_error *err, pc_status status, const char *format, ...) PC_PRINTF(3, 4);

/** Puts "<prefix>: " in front of the sentence. Local. `err` may be NULL. */
void pc_error_prefix(pc_error *err, const char *format, ...) PC_PRINTF(2, 3);

/** The exit code of DESIGN: 0, 1, 2, 3, 4 or 75. Local. */
int pc_exit_code(pc_status status);

#define PC_FAIL(err, status, ...) pc_fail((err), (status), __VA_ARGS__)

/** Leaves the function with the status of `call` unless it is PC_OK. */
#define PC_TRY(call)                                                                               \
    do {                                                                                           \
        const pc_status pc_try_status = (call);                                                    \
        if (pc_try_status != PC_OK) return pc_try_status;                                          \
    } while (0)

#endif
