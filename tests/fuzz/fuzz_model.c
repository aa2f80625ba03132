/** Any text as a model: it is read or refused with a sentence, and gives back its memory. */
#include "fuzz.h"
#include "parcours/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    pc_budget budget = {.limit_bytes = 64 << 20};
    pc_arena arena = {.budget = &budget};
    const pc_model *model = NULL;
    pc_error err = {0};
    int year;
    const pc_status status =
        pc_model_parse((pc_span){(const char *)data, bytes}, "fuzzed", &arena, &model, &err);
    fuzz_check(status == PC_OK || err.text[0] != '\0', "a refusal has a sentence");
    fuzz_check(status == PC_OK || status == PC_BAD_JOB || status == PC_NO_MEMORY, "the status");
    if (status == PC_OK) (void)pc_model_match_file(model, "T_MCO19B.CSV.gz", &year);
    pc_arena_reset(&arena);
    fuzz_check(budget.used_bytes == 0, "all memory is given back");
    return 0;
}
