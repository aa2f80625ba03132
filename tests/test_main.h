/** @file test_main.h
 *  The `main` of a CUnit program. See tests/README.md.
 */
#ifndef PC_TEST_MAIN_H
#define PC_TEST_MAIN_H
#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct pc_test {
    const char *name;
    void (*run)(void);
} pc_test;

/** Runs the tests in order. Returns how many assertions failed (1 if CUnit itself fails). */
static inline unsigned pc_test_run(const char *suite_name, const pc_test *test, size_t count,
                                   CU_BasicRunMode mode)
{
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    unsigned failures = 1;
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    size_t added = 0;
    while (suite != NULL && added < count &&
           CU_add_test(suite, test[added].name, test[added].run) != NULL) {
        added++;
    }
    if (added == count) {
        CU_basic_set_mode(mode);
        // CUnit's silent mode prints the summary all the same.
        const bool silent = mode == CU_BRM_SILENT;
        const CU_ErrorCode code = silent ? CU_run_all_tests() : CU_basic_run_tests();
        failures = CU_get_number_of_failures() + (code == CUE_SUCCESS ? 0U : 1U);
        if (silent && failures > 0) CU_basic_show_failures(CU_get_failure_list());
    }
    CU_cleanup_registry();
    return failures;
}

/** PC_TEST_MAIN("suite", {"what it shows", function}, ...); returns 1 when an assertion failed:
 *  CUnit's own return value stays 0 then. */
#define PC_TEST_MAIN(suite_name, ...)                                                              \
    int main(void)                                                                                 \
    {                                                                                              \
        static const pc_test test[] = {__VA_ARGS__};                                               \
        const size_t count = sizeof test / sizeof test[0];                                         \
        return pc_test_run((suite_name), test, count, CU_BRM_VERBOSE) == 0 ? 0 : 1;                \
    }                                                                                              \
    extern int pc_test_main_ends_with_a_semicolon

#endif
