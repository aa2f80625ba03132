/** @file comm_main.h
 *  The `main` of a CUnit program on several ranks: every rank runs every test, only rank 0 prints
 *  the summary, and each rank returns 1 when an assertion failed on any of them. Never use
 *  CU_ASSERT_FATAL here: its jump leaves the other ranks waiting.
 */
#ifndef PC_COMM_MAIN_H
#define PC_COMM_MAIN_H
#include "parcours/comm.h"
#include "test_main.h"

/** The ranks of this program. A test function has no argument, hence this one variable. */
extern pc_comm *pc_test_comm;

/** As PC_TEST_MAIN, for programs that mpirun starts. */
#define PC_COMM_TEST_MAIN(suite_name, ...)                                                         \
    pc_comm *pc_test_comm;                                                                         \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const pc_test test[] = {__VA_ARGS__};                                               \
        const size_t count = sizeof test / sizeof test[0];                                         \
        pc_test_comm = pc_comm_open(&argc, &argv);                                                 \
        const CU_BasicRunMode mode =                                                               \
            pc_comm_rank(pc_test_comm) == 0 ? CU_BRM_VERBOSE : CU_BRM_SILENT;                      \
        int64_t failures = pc_test_run((suite_name), test, count, mode);                           \
        pc_comm_sum_int64(pc_test_comm, &failures, 1);                                             \
        pc_comm_close(pc_test_comm);                                                               \
        return failures == 0 ? 0 : 1;                                                              \
    }                                                                                              \
    extern int pc_test_main_ends_with_a_semicolon

#endif
