/** Any bytes as a study of a small model: checked, never run. */
#include <unistd.h>
#include "fuzz.h"
#include "parcours/study.h"

static const char MODEL[] = "{\"model\": \"small\", \"version\": \"1\", \"systems\": {\"ICD\": "
                            "\"prefix\"}, \"person\": {\"identity\": "
                            "[\"P\"], \"sex\": \"S\", \"female\": \"F\", \"male\": \"M\", "
                            "\"birth_year\": \"Y\", \"birth_month\": \"O\", "
                            "\"death_date\": \"D\"}, \"tables\": {\"P\": {\"files\": [\"p.csv\"], "
                            "\"patient\": {\"path\": \"identity\", "
                            "\"pseudonym\": \"A\", \"rank\": \"R\", \"person\": \"I\"}, "
                            "\"columns\": [\"A id(8) patient\", \"R int(2)\", "
                            "\"I id(8)\", \"S code\", \"Y int(4)\", \"O int(2)\", \"D date\"]}, "
                            "\"VISIT\": {\"files\": [\"v.csv\"], "
                            "\"patient\": {\"path\": \"pair\", \"pseudonym\": \"A\", \"rank\": "
                            "\"R\"}, \"dates\": [\"E\", \"F\"], "
                            "\"columns\": [\"A id(8) patient\", \"R int(2)\", \"E date\", \"F "
                            "date\", \"C code system=ICD\", \"N int(4)\"]}}}";

static void write_file(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, bytes, file) != bytes || fclose(file) != 0) exit(1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static char folder[] = "/tmp/pc_fuzz_XXXXXX";
    static char model[64], study[64];
    if (model[0] == '\0') {
        if (mkdtemp(folder) == NULL) exit(1);
        (void)snprintf(model, sizeof model, "%s/model.json", folder);
        (void)snprintf(study, sizeof study, "%s/study.json", folder);
        write_file(model, MODEL, sizeof MODEL - 1);
    }
    write_file(study, data, bytes);
    pc_budget budget = {.limit_bytes = 256 << 20};
    pc_buffer out = {.budget = &budget};
    pc_error err = {0};
    const pc_study_options options = {
        .study = study, .model = model, .share = folder, .budget = &budget};
    const pc_status status = pc_study_check(&options, &out, &err);
    fuzz_check(status == PC_OK || err.text[0] != '\0', "a refusal has a sentence");
    pc_buffer_release(&out);
    fuzz_check(budget.used_bytes == 0, "all memory is given back");
    return 0;
}
