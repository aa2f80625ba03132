/** @file fuzz.h
 *  What the fuzz targets share. A target is a file with LLVMFuzzerTestOneInput: libFuzzer calls it
 *  with bytes that it makes; a crash, a sanitizer's complaint or abort() is a finding.
 */
#ifndef PC_TEST_FUZZ_H
#define PC_TEST_FUZZ_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/** Ends the run when something that must hold does not. */
static inline void fuzz_check(int holds, const char *what)
{
    if (holds) return;
    (void)fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

#endif
