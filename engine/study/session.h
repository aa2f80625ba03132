/** @file session.h
 *  An open study: the store or model behind it, its definitions, typed. What check, explain and run
 *  begin with.
 */
#ifndef PC_SESSION_H
#define PC_SESSION_H
#include "parcours/store.h"
#include "typing.h"

/** Start with zero. */
typedef struct pc_session {
    pc_arena arena;
    pc_store *store; ///< NULL: a model alone
    const pc_catalog *catalog;
    pc_study study;
} pc_session;

/** Opens store or model, loads and types the study. Problems are in `session->study`. Local.
 *  @return PC_OK also with problems in the study */
pc_status pc_session_open(pc_session *session, const pc_study_options *options,
                          pc_error *err) PC_MUST_CHECK;
/** PC_BAD_JOB with their number and the first of them when the study has problems. */
pc_status pc_session_verdict(const pc_session *session, const pc_study_options *options,
                             pc_error *err) PC_MUST_CHECK;
/** Appends lines `path: warning: sentence`: tables, codes and dates that the store does not have,
 * sets that are empty, windows that exclude each other. Local. */
pc_status pc_session_warn(const pc_session *session, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Gives everything back. Accepts what was never opened. */
void pc_session_close(pc_session *session);

#endif
