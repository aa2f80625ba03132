/** Lines on stderr, and the progress of a phase. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "parcours/arena.h"
#include "parcours/json.h"
#include "parcours/log.h"

enum {
    TEXT_BYTES = 2 * PC_ERROR_BYTES, // an error's sentence and some keys
    STAMP_BYTES = 32,
    RATE_BYTES = 32,
    BAR_CELLS = 24
};
static const double BAR_EVERY_S = 0.2;   // what an eye follows
static const double LINE_EVERY_S = 10.0; // a batch log of hours stays readable

double pc_clock_s(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return 0;
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double pc_cpu_s(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return 0;
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

static void format_stamp(char out[STAMP_BYTES])
{
    struct timespec now = {0};
    struct tm utc;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc) == NULL ||
        strftime(out, STAMP_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        out[0] = '\0';
    }
}

// A bar may stand on the terminal's line: it is wiped before a line is written over it.
static const char *line_start(const pc_log *log)
{
    const bool bar = log->rank == 0 && log->progress != PC_PROGRESS_NEVER && !log->json;
    return bar && isatty(STDERR_FILENO) == 1 ? "\r\033[K" : "";
}

static void write_json(const char *stamp, int rank, const char *level, const char *event,
                       const char *text)
{
    pc_buffer line = {0};
    pc_status status = pc_buffer_print(&line, NULL, "{\"time\":\"%s\",\"rank\":%d,\"level\":\"%s\"",
                                       stamp, rank, level);
    if (status == PC_OK) status = pc_buffer_print(&line, NULL, ",\"event\":");
    if (status == PC_OK) status = pc_json_write_text(&line, pc_span_of(event), NULL);
    if (status == PC_OK) status = pc_buffer_print(&line, NULL, ",\"text\":");
    if (status == PC_OK) status = pc_json_write_text(&line, pc_span_of(text), NULL);
    if (status == PC_OK) status = pc_buffer_print(&line, NULL, "}\n");
    if (status == PC_OK) (void)fwrite(line.data, 1, line.bytes, stderr); // one write: one line
    pc_buffer_release(&line);
}

void pc_log_line(const pc_log *log, pc_log_level level, const char *event, const char *format, ...)
{
    static const char *const name[] = {"debug", "info", "warning", "error"};
    if (level < PC_WARNING && (log->rank != 0 || log->quiet)) return;
    if (level == PC_DEBUG && !log->json) return;
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0) text[0] = '\0';
    va_end(arguments);
    char stamp[STAMP_BYTES];
    format_stamp(stamp);
    if (log->json) {
        write_json(stamp, log->rank, name[level], event, text);
    } else {
        fprintf(stderr, "%s%s rank=%d %s %s%s%s\n", line_start(log), stamp, log->rank, name[level],
                event, text[0] == '\0' ? "" : " ", text);
    }
    (void)fflush(stderr);
}

static bool is_shown(const pc_progress *p)
{
    if (p->log->rank != 0 || p->log->progress == PC_PROGRESS_NEVER) return false;
    return p->log->progress == PC_PROGRESS_ALWAYS || !p->log->quiet;
}

static bool is_bar(const pc_progress *p)
{
    return !p->log->json && isatty(STDERR_FILENO) == 1;
}

// 1234567 rows/s as "1.23 M".
static void format_count(double value, char out[RATE_BYTES])
{
    static const char *const unit[] = {"", " k", " M", " G", " T"};
    int power = 0;
    while (value >= 1000 && power < 4) {
        value /= 1000;
        power++;
    }
    (void)snprintf(out, RATE_BYTES, power == 0 ? "%.0f%s" : "%.3g%s", value, unit[power]);
}

// A bar is one line: the terminal does not wrap it while it is written, however narrow it is.
#define BAR_BEGIN "\r\033[K\033[?7l"
#define BAR_END   "\033[?7h"

static void show_bar(const pc_progress *p, double elapsed_s, double rate, double left_s)
{
    char per_second[RATE_BYTES];
    char done[RATE_BYTES];
    char bar[BAR_CELLS + 1];
    format_count(rate, per_second);
    format_count((double)p->done, done);
    const double share = p->total > 0 ? (double)p->done / (double)p->total : 0;
    const int filled = (int)(share * BAR_CELLS);
    for (int i = 0; i < BAR_CELLS; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[BAR_CELLS] = '\0';
    if (p->total > 0) {
        fprintf(stderr, BAR_BEGIN "%s [%s] %3.0f%%  %s %s/s  %.0f s, %.0f s left" BAR_END, p->phase,
                bar, 100 * share, per_second, p->unit, elapsed_s, left_s);
    } else {
        fprintf(stderr, BAR_BEGIN "%s  %s %s  %s/s  %.0f s" BAR_END, p->phase, done, p->unit,
                per_second, elapsed_s);
    }
    (void)fflush(stderr);
}

static void show(const pc_progress *p, double now_s)
{
    const double elapsed_s = now_s - p->started_s;
    const double rate = elapsed_s > 0 ? (double)p->done / elapsed_s : 0;
    const double left_s = rate > 0 && p->total > p->done ? (double)(p->total - p->done) / rate : 0;
    if (is_bar(p)) {
        show_bar(p, elapsed_s, rate, left_s);
        return;
    }
    pc_log log = *p->log;
    log.quiet = false; // progress was asked for
    if (p->total > 0) {
        pc_log_line(&log, PC_INFO, "progress",
                    "phase=%s done=%lld total=%lld unit=%s rate=%.0f/s left=%.0fs", p->phase,
                    (long long)p->done, (long long)p->total, p->unit, rate, left_s);
    } else {
        pc_log_line(&log, PC_INFO, "progress", "phase=%s done=%lld unit=%s rate=%.0f/s", p->phase,
                    (long long)p->done, p->unit, rate);
    }
}

void pc_progress_begin(pc_progress *progress, const pc_log *log, const char *phase,
                       const char *unit, int64_t total)
{
    const double now_s = pc_clock_s();
    *progress = (pc_progress){.log = log,
                              .phase = phase,
                              .unit = unit,
                              .total = total > 0 ? total : 0,
                              .started_s = now_s,
                              .shown_s = now_s};
}

void pc_progress_set(pc_progress *progress, int64_t done)
{
    const bool beyond = progress->total > 0 && done > progress->total;
    progress->done = beyond ? progress->total : done;
    if (!is_shown(progress)) return;
    const double now_s = pc_clock_s();
    const double since_s = now_s - progress->shown_s;
    if (since_s < BAR_EVERY_S || (since_s < LINE_EVERY_S && !is_bar(progress))) return;
    progress->shown_s = now_s;
    show(progress, now_s);
}

void pc_progress_end(pc_progress *progress)
{
    if (!is_shown(progress)) return;
    if (is_bar(progress)) (void)fputs("\r\033[K", stderr);
    const double elapsed_s = pc_clock_s() - progress->started_s;
    const double rate = elapsed_s > 0 ? (double)progress->done / elapsed_s : 0;
    pc_log log = *progress->log;
    log.quiet = false;
    pc_log_line(&log, PC_INFO, "phase_done", "phase=%s done=%lld unit=%s seconds=%.1f rate=%.0f/s",
                progress->phase, (long long)progress->done, progress->unit, elapsed_s, rate);
}
