/** @file grid.h
 *  `--grid name=a,b,c`: one study with each combination of values, in one pass over the store.
 */
#ifndef PC_GRID_H
#define PC_GRID_H
#include "parcours/study.h"

enum { PC_GRID_MOST = 256 }; // studies of one run: each has its own states in memory

/** A study of the grid. */
typedef struct pc_grid_point {
    const char *name; ///< "year=2019,drug=a": of its folder in OUT; NULL: there is no grid
    pc_study_options options;
} pc_grid_point;

/** All combinations, the last name fastest; without a grid the study itself. Memory of `arena`.
 * Local.
 *  @return PC_BAD_JOB: not name=a,b; a value that is no folder's name; one twice; too many */
pc_status pc_grid_expand(const pc_study_options *options, pc_arena *arena, pc_grid_point **out,
                         int *count, pc_error *err) PC_MUST_CHECK;
/** Writes OUT/manifest.json of a grid: which folders, with the hashes of their manifests. Local. */
pc_status pc_grid_end(const pc_study_options *options, const pc_grid_point *point, int count,
                      pc_error *err) PC_MUST_CHECK;

#endif
