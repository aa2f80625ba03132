/** @file study_case.h
 *  A small model and study files in a temporary folder, for tests of studies.
 */
#ifndef PC_STUDY_CASE_H
#define PC_STUDY_CASE_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parcours/study.h"

static const char study_case_model[] =
    "{\"model\": \"register\", \"version\": \"1\", \"title\": \"A small register\", \"delimiter\": "
    "\",\",\n"
    " \"systems\": {\"ICD10\": \"prefix\", \"WARD\": \"flat\"},\n"
    " \"keys\": {\"visit\": {\"table\": \"VISIT\", \"episode\": true}},\n"
    " \"person\": {\"identity\": [\"PEOPLE\"], \"sex\": \"SEX\", \"female\": \"F\", \"male\": "
    "\"M\",\n"
    "   \"birth_year\": \"BIRTH_YEAR\", \"birth_month\": \"BIRTH_MONTH\", \"death_date\": "
    "\"DEATH\",\n"
    "   \"copy\": [\"REGION\"]},\n"
    " \"tables\": {\n"
    "  \"PEOPLE\": {\"files\": [\"people.csv\"],\n"
    "   \"patient\": {\"path\": \"identity\", \"pseudonym\": \"PSEUDONYM\", \"rank\": \"RANK\",\n"
    "     \"person\": \"PERSON_ID\"},\n"
    "   \"primary\": [\"PSEUDONYM\", \"RANK\"],\n"
    "   \"columns\": [\"PSEUDONYM id(8) patient core\", \"RANK int(2) patient core\",\n"
    "     \"PERSON_ID id(10) patient core\", \"SEX code quasi core\", \"BIRTH_YEAR int(4) quasi "
    "core\",\n"
    "     \"BIRTH_MONTH int(2) potential_id core\", \"DEATH date potential_id core\",\n"
    "     \"REGION code quasi core\"]},\n"
    "  \"WARDS\": {\"files\": [\"wards.csv\"],\n"
    "   \"primary\": [\"WARD\"], \"columns\": [\"WARD code system=WARD core\", \"BEDS int(4) "
    "core\"]},\n"
    "  \"VISIT\": {\"files\": [\"visits.csv\"],\n"
    "   \"patient\": {\"path\": \"pair\", \"pseudonym\": \"PSEUDONYM\", \"rank\": \"RANK\"},\n"
    "   \"primary\": [\"VISIT_NUMBER\"], \"dates\": [\"FIRST_DAY\", \"LAST_DAY\"],\n"
    "   \"columns\": [\"VISIT_NUMBER int(9) core\", \"PSEUDONYM id(8) patient core\",\n"
    "     \"RANK int(2) patient core\", \"FIRST_DAY date potential_id core\",\n"
    "     \"LAST_DAY date potential_id core\", \"DIAGNOSIS code system=ICD10 sensitive core\",\n"
    "     \"WARD code system=WARD core\", \"DOCTOR code professional_id core\",\n"
    "     \"COST decimal(11,2) core\"]}},\n"
    " \"derived\": []}\n";

/** A folder with model.json and, once written, study.json and others. */
typedef struct study_case {
    char folder[64];
    pc_budget budget;
    pc_buffer lines;
    pc_error err;
} study_case;

static inline void study_case_write(study_case *c, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) abort();
    fputs(text, file);
    fclose(file);
}

static inline void study_case_open(study_case *c)
{
    *c = (study_case){.folder = "/tmp/parcours_study_XXXXXX"};
    if (mkdtemp(c->folder) == NULL) abort();
    c->lines.budget = &c->budget;
    study_case_write(c, "model.json", study_case_model);
}

static inline void study_case_close(study_case *c)
{
    static const char *const name[] = {"model.json", "study.json", "library.json", "other.json"};
    pc_buffer_release(&c->lines);
    for (int i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", c->folder, name[i]);
        unlink(path);
    }
    rmdir(c->folder);
}

/** Checks study.json of the folder. `lines` holds what was printed, with a NUL behind. */
static inline pc_status study_case_check(study_case *c, const char *const *set, int set_count)
{
    char study[128], model[128];
    snprintf(study, sizeof study, "%s/study.json", c->folder);
    snprintf(model, sizeof model, "%s/model.json", c->folder);
    const pc_study_options options = {
        .study = study, .model = model, .set = set, .set_count = set_count, .budget = &c->budget};
    c->lines.bytes = 0;
    c->err = (pc_error){0};
    const pc_status status = pc_study_check(&options, &c->lines, &c->err);
    if (pc_buffer_append(&c->lines, "", 1, NULL) != PC_OK) abort();
    return status;
}

#endif
