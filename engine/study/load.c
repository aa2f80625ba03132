// Opens a study and the libraries that it uses, and settles their parameters.
#include "study_read.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const study_keys[] = {
    "study",  "title",   "note",      "dates",   "parameters", "use",     "codes",
    "events", "periods", "exposures", "cohorts", "statistics", "exports", NULL};
static const char *const library_keys[] = {"title",  "note",    "parameters", "use",     "codes",
                                           "events", "periods", "exposures",  "cohorts", NULL};

/** The bytes of a file, at most PC_STUDY_FILE_BYTES. PC_IO: cannot be read. */
static pc_status read_file(const char *path, pc_buffer *out, pc_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return PC_FAIL(err, PC_IO, "study '%s': cannot be opened: %s", path, strerror(errno));
    }
    pc_status status = PC_OK;
    size_t bytes = 1;
    while (status == PC_OK && bytes > 0) {
        status = pc_buffer_reserve(out, out->bytes + 65536, err);
        if (status != PC_OK) break;
        bytes = fread(out->data + out->bytes, 1, 65536, file);
        out->bytes += bytes;
        if (out->bytes > PC_STUDY_FILE_BYTES) {
            status = PC_FAIL(err, PC_BAD_JOB, "study '%s': larger than %d bytes", path,
                             (int)PC_STUDY_FILE_BYTES);
        }
    }
    if (status == PC_OK && ferror(file) != 0) {
        status = PC_FAIL(err, PC_IO, "study '%s': cannot be read", path);
    }
    fclose(file);
    return status;
}

/** Reads a document. What is wrong with the JSON is a problem; `doc->json` is then NULL. */
static pc_status open_doc(pc_loader *loader, pc_doc *doc, bool is_first)
{
    pc_buffer text = {.budget = loader->study->arena->budget};
    pc_status status = read_file(doc->file, &text, loader->err);
    if (status == PC_OK) {
        pc_error why = {0};
        const pc_span span = {text.data, text.bytes};
        pc_digest_add(&loader->study->digest, &text.bytes, sizeof text.bytes);
        pc_digest_add(&loader->study->digest, text.data, text.bytes);
        status = pc_json_parse(span, doc->file, &doc->json, &why);
        if (status == PC_BAD_JOB) {
            doc->json = NULL;
            status = pc_problem_at(loader, doc->shown, "json", "%s", why.text);
        } else if (status != PC_OK) {
            status = pc_fail(loader->err, status, "%s", why.text);
        }
    }
    pc_buffer_release(&text);
    if (status == PC_IO && !is_first) {
        // A library that is not there is an error of the study that names it.
        const char *share = loader->options->share;
        status = pc_problem_at(loader, doc->shown, "name",
                               "the library cannot be read: it is neither at '%s' nor in '%s%s'",
                               doc->file, share == NULL ? "" : share, "/library");
    }
    return status;
}

pc_status pc_study_read_file(pc_loader *loader, const char *path, pc_buffer *out, pc_error *err)
{
    PC_TRY(read_file(path, out, err));
    pc_digest_add(&loader->study->digest, &out->bytes, sizeof out->bytes);
    pc_digest_add(&loader->study->digest, out->data, out->bytes);
    return PC_OK;
}

static pc_status join(pc_loader *loader, const char *a, const char *b, const char *c,
                      const char **out)
{
    const size_t bytes = strlen(a) + strlen(b) + strlen(c);
    char *text = pc_arena_array(loader->study->arena, bytes + 1, 1, loader->err);
    if (text == NULL) return PC_NO_MEMORY;
    snprintf(text, bytes + 1, "%s%s%s", a, b, c);
    *out = text;
    return PC_OK;
}

static bool can_be_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    fclose(file);
    return true;
}

pc_status pc_study_find_file(pc_loader *loader, const char *name, const char **path)
{
    if (name[0] == '/') {
        *path = name;
        return PC_OK;
    }
    const char *slash = strrchr(loader->doc->file, '/');
    const size_t folder_bytes = slash == NULL ? 0 : (size_t)(slash - loader->doc->file) + 1;
    const char *folder =
        pc_arena_text(loader->study->arena, loader->doc->file, folder_bytes, loader->err);
    if (folder == NULL) return PC_NO_MEMORY;
    PC_TRY(join(loader, folder, name, "", path));
    if (can_be_read(*path) || loader->options->share == NULL) return PC_OK;
    const char *shipped = NULL;
    PC_TRY(join(loader, loader->options->share, "/library/", name, &shipped));
    if (can_be_read(shipped)) *path = shipped;
    return PC_OK;
}

static pc_status parse_parameters(pc_loader *loader)
{
    pc_doc *doc = loader->doc;
    const pc_json *section = pc_json_get(doc->json, "parameters");
    const pc_place root = {.key = "parameters"};
    pc_status status = PC_OK;
    if (section == NULL) return PC_OK;
    if (!pc_expect(loader, section, PC_JSON_OBJECT, &root, &status)) return status;
    doc->parameter = pc_arena_array(loader->study->arena, (size_t)pc_json_count(section),
                                    sizeof *doc->parameter, loader->err);
    if (doc->parameter == NULL) return PC_NO_MEMORY;
    for (const pc_json *member = pc_json_first(section); member != NULL;
         member = pc_json_next(member)) {
        const pc_place place = {.up = &root, .key = pc_json_key(member)};
        if (!pc_name_is_plain(loader, pc_json_key(member), &place, &status)) {
            PC_TRY(status);
            continue;
        }
        doc->parameter[doc->parameter_count++] =
            (pc_parameter){.name = pc_json_key(member), .value = member, .doc = doc};
    }
    return PC_OK;
}

/** Gives a parameter of `doc` the value of `setting`; a problem at `path` when there is none.
 *  @param setting  name, value and the document that gives it */
static pc_status set_parameter(pc_loader *loader, pc_doc *doc, const pc_parameter *setting,
                               const char *path)
{
    const char *name = setting->name;
    const char *known[64];
    int known_count = 0;
    for (int i = 0; i < doc->parameter_count; i++) {
        if (strcmp(doc->parameter[i].name, name) == 0) {
            doc->parameter[i].value = setting->value;
            doc->parameter[i].doc = setting->doc;
            return PC_OK;
        }
        if (known_count < 64) known[known_count++] = doc->parameter[i].name;
    }
    return pc_problem_at(loader, path, "parameter", "no parameter '%.63s'%s", name,
                         pc_did_you_mean(loader->study, name, known, known_count));
}

/** The default of a parameter decides how the text of --set is read. */
static pc_json_kind kind_of_parameter(const pc_doc *doc, const char *name)
{
    for (int i = 0; i < doc->parameter_count; i++) {
        if (strcmp(doc->parameter[i].name, name) == 0) {
            return pc_json_kind_of(doc->parameter[i].value);
        }
    }
    return PC_JSON_TEXT;
}

/** Appends `"name":value` of one --set to the JSON text of a document's settings. */
static pc_status append_setting(pc_loader *loader, const pc_doc *doc, const char *name,
                                const char *value, pc_buffer *out)
{
    PC_TRY(pc_buffer_print(out, loader->err, "%s", out->bytes == 0 ? "{" : ","));
    PC_TRY(pc_json_write_text(out, pc_span_of(name), loader->err));
    PC_TRY(pc_buffer_print(out, loader->err, ":"));
    if (kind_of_parameter(doc, name) == PC_JSON_TEXT) {
        return pc_json_write_text(out, pc_span_of(value), loader->err);
    }
    return pc_buffer_print(out, loader->err, "%s", value);
}

/** Is the --set text meant for `doc` ("prefix.name" for a library of the study)? Its name then. */
static const char *setting_name(const pc_doc *doc, const char *set, size_t name_bytes,
                                char name[PC_STUDY_NAME_BYTES + 1])
{
    const size_t prefix_bytes = strlen(doc->prefix);
    if (name_bytes <= prefix_bytes || strncmp(set, doc->prefix, prefix_bytes) != 0) return NULL;
    const size_t bytes = name_bytes - prefix_bytes;
    if (bytes > PC_STUDY_NAME_BYTES || memchr(set + prefix_bytes, '.', bytes) != NULL) return NULL;
    memcpy(name, set + prefix_bytes, bytes);
    name[bytes] = '\0';
    return name;
}

static pc_status apply_settings(pc_loader *loader)
{
    pc_doc *doc = loader->doc;
    pc_buffer text = {.budget = loader->study->arena->budget};
    pc_status status = PC_OK;
    for (int i = 0; i < loader->options->set_count && status == PC_OK; i++) {
        const char *set = loader->options->set[i], *equal = strchr(set, '=');
        char buffer[PC_STUDY_NAME_BYTES + 1];
        if (equal == NULL) continue;
        const char *name = setting_name(doc, set, (size_t)(equal - set), buffer);
        if (name != NULL) status = append_setting(loader, doc, name, equal + 1, &text);
    }
    if (status == PC_OK && text.bytes > 0) status = pc_buffer_print(&text, loader->err, "}");
    if (status == PC_OK && text.bytes > 0) {
        pc_error why = {0};
        pc_digest_add(&loader->study->digest, text.data, text.bytes);
        status = pc_json_parse((pc_span){text.data, text.bytes}, "--set", &doc->settings, &why);
        if (status == PC_BAD_JOB) {
            doc->settings = NULL;
            status = pc_problem_at(loader, "--set", "parameter", "%s", why.text);
        } else if (status != PC_OK) {
            status = pc_fail(loader->err, status, "%s", why.text);
        }
    }
    pc_buffer_release(&text);
    PC_TRY(status);
    if (doc->settings == NULL) return PC_OK;
    for (const pc_json *member = pc_json_first(doc->settings); member != NULL;
         member = pc_json_next(member)) {
        const pc_parameter setting = {.name = pc_json_key(member), .value = member, .doc = doc};
        PC_TRY(set_parameter(loader, doc, &setting, "--set"));
    }
    return PC_OK;
}

static pc_status load_doc(pc_loader *loader, pc_doc *doc);

/** Does a --set name a parameter of the library with this prefix, or of one that it uses? */
static bool is_set_below(const pc_loader *loader, const char *prefix)
{
    for (int i = 0; i < loader->options->set_count; i++) {
        if (strncmp(loader->options->set[i], prefix, strlen(prefix)) == 0) return true;
    }
    return false;
}

/** A library that was read already and has the same parameters: read once, its timelines are made
 *  once, however many libraries of a study use it. NULL: none. */
static pc_doc *find_shared(const pc_loader *loader, const char *path, const char *prefix)
{
    if (is_set_below(loader, prefix)) return NULL;
    for (int i = 1; i < loader->study->doc_count; i++) {
        pc_doc *doc = loader->study->doc[i];
        const bool is_set = doc->is_set || is_set_below(loader, doc->prefix);
        if (!is_set && strcmp(doc->file, path) == 0) return doc;
    }
    return NULL;
}

/** One member of `use`. */
static pc_status load_library(pc_loader *loader, const pc_json *value, const pc_place *place)
{
    static const char *const keys[] = {"file", "set", "note", NULL};
    pc_study *study = loader->study;
    pc_doc *user = loader->doc;
    const pc_json *file = value, *set = NULL;
    if (pc_json_kind_of(value) == PC_JSON_OBJECT) {
        PC_TRY(pc_check_keys(loader, value, place, keys, NULL));
        file = pc_json_get(value, "file");
        set = pc_json_get(value, "set");
        if (file == NULL) return pc_problem(loader, place, "key", "'file' is missing");
    }
    const char *name = NULL, *path = NULL;
    PC_TRY(pc_read_text(loader, file, place, &name));
    if (name == NULL) return PC_OK;
    PC_TRY(pc_study_find_file(loader, name, &path));
    for (const pc_doc *up = user; up != NULL; up = up->user) {
        if (strcmp(up->file, path) == 0) {
            return pc_problem(loader, place, "cycle", "the library '%.100s' uses itself", name);
        }
    }
    const char *prefix = NULL;
    PC_TRY(join(loader, user->prefix, pc_json_key(value), ".", &prefix));
    pc_doc *shared = set == NULL ? find_shared(loader, path, prefix) : NULL;
    if (shared != NULL) {
        user->use[user->use_count++] = (pc_use){.prefix = pc_json_key(value), .doc = shared};
        return PC_OK;
    }
    if (study->doc_count == PC_STUDY_DOC_MAX) {
        return pc_problem(loader, place, "name", "more than %d documents", PC_STUDY_DOC_MAX);
    }
    pc_doc *doc = pc_arena_take(study->arena, sizeof *doc, loader->err);
    if (doc == NULL) return PC_NO_MEMORY;
    study->doc[study->doc_count++] = doc;
    doc->file = path;
    doc->user = user;
    doc->prefix = prefix;
    doc->is_set = set != NULL;
    PC_TRY(join(loader, name, ": ", "", &doc->shown));
    PC_TRY(open_doc(loader, doc, false));
    if (doc->json == NULL) return PC_OK;
    user->use[user->use_count++] = (pc_use){.prefix = pc_json_key(value), .doc = doc};
    loader->doc = doc;
    pc_status status = parse_parameters(loader);
    loader->doc = user;
    PC_TRY(status);
    const char *where = NULL;
    PC_TRY(pc_place_text(loader, place, &where));
    if (set != NULL && pc_expect(loader, set, PC_JSON_OBJECT, place, &status)) {
        for (const pc_json *member = pc_json_first(set); member != NULL;
             member = pc_json_next(member)) {
            const pc_parameter setting = {.name = pc_json_key(member),
                                          .value = pc_value_of(loader, member),
                                          .doc = pc_doc_of(loader, member)};
            PC_TRY(set_parameter(loader, doc, &setting, where));
        }
    }
    PC_TRY(status);
    loader->doc = doc;
    status = load_doc(loader, doc);
    loader->doc = user;
    return status;
}

static pc_status load_libraries(pc_loader *loader)
{
    const pc_json *section = pc_json_get(loader->doc->json, "use");
    const pc_place root = {.key = "use"};
    pc_status status = PC_OK;
    if (section == NULL) return PC_OK;
    if (!pc_expect(loader, section, PC_JSON_OBJECT, &root, &status)) return status;
    loader->doc->use = pc_arena_array(loader->study->arena, (size_t)pc_json_count(section),
                                      sizeof *loader->doc->use, loader->err);
    if (loader->doc->use == NULL) return PC_NO_MEMORY;
    for (const pc_json *member = pc_json_first(section); member != NULL;
         member = pc_json_next(member)) {
        const pc_place place = {.up = &root, .key = pc_json_key(member)};
        if (!pc_name_is_plain(loader, pc_json_key(member), &place, &status)) {
            PC_TRY(status);
            continue;
        }
        PC_TRY(load_library(loader, member, &place));
    }
    return PC_OK;
}

/** Sections of a document whose parameters are known. */
static pc_status load_doc(pc_loader *loader, pc_doc *doc)
{
    typedef pc_status (*parse)(pc_loader *, const pc_json *);
    static const struct {
        const char *key;
        parse read;
    } section[] = {{"codes", pc_parse_codes},     {"periods", pc_parse_periods},
                   {"events", pc_parse_events},   {"exposures", pc_parse_exposures},
                   {"cohorts", pc_parse_cohorts}, {"statistics", pc_parse_statistics},
                   {"exports", pc_parse_exports}};
    const bool is_study = doc->prefix[0] == '\0' && !loader->study->is_library;
    PC_TRY(apply_settings(loader));
    PC_TRY(pc_check_keys(loader, doc->json, NULL, is_study ? study_keys : library_keys, NULL));
    if (is_study) {
        const pc_place dates_place = {.key = "dates"};
        const pc_json *dates = pc_json_get(doc->json, "dates");
        if (dates != NULL) {
            PC_TRY(pc_read_pair(loader, dates, &dates_place, true, &loader->study->dates));
        }
        PC_TRY(pc_read_title(loader, doc->json, NULL, &loader->study->title));
    }
    PC_TRY(load_libraries(loader));
    for (size_t i = 0; i < sizeof section / sizeof section[0]; i++) {
        const pc_json *value = pc_json_get(doc->json, section[i].key);
        const bool is_for_all =
            section[i].read != pc_parse_statistics && section[i].read != pc_parse_exports;
        if (value != NULL && (is_study || is_for_all)) {
            PC_TRY(section[i].read(loader, value));
        }
    }
    return PC_OK;
}

static pc_status check_settings(pc_loader *loader)
{
    for (int i = 0; i < loader->options->set_count; i++) {
        const char *set = loader->options->set[i], *equal = strchr(set, '=');
        bool is_meant = false;
        for (int d = 0; equal != NULL && d < loader->study->doc_count; d++) {
            char name[PC_STUDY_NAME_BYTES + 1];
            is_meant = is_meant || setting_name(loader->study->doc[d], set, (size_t)(equal - set),
                                                name) != NULL;
        }
        if (!is_meant) {
            PC_TRY(pc_problem_at(loader, "--set", "parameter",
                                 "expected name=value with the name of a parameter"));
        }
    }
    return PC_OK;
}

static pc_status load_study(pc_loader *loader)
{
    pc_study *study = loader->study;
    pc_doc *doc = pc_arena_take(study->arena, sizeof *doc, loader->err);
    if (doc == NULL) return PC_NO_MEMORY;
    study->doc[study->doc_count++] = doc;
    loader->doc = doc;
    doc->file = loader->options->study;
    doc->shown = "";
    doc->prefix = "";
    PC_TRY(open_doc(loader, doc, true));
    if (doc->json == NULL) return PC_OK;
    pc_status status = PC_OK;
    if (!pc_expect(loader, doc->json, PC_JSON_OBJECT, NULL, &status)) return status;
    const pc_json *name = pc_json_get(doc->json, "study");
    const pc_place place = {.key = "study"};
    study->is_library = name == NULL && loader->options->allows_library;
    if (name == NULL && !study->is_library) {
        PC_TRY(pc_problem(loader, NULL, "key", "'study' is missing: the file is a library"));
    } else if (name != NULL) {
        PC_TRY(pc_read_text(loader, name, &place, &study->name));
        if (study->name != NULL && !pc_name_is_plain(loader, study->name, &place, &status)) {
            PC_TRY(status);
        }
    }
    PC_TRY(parse_parameters(loader));
    PC_TRY(load_doc(loader, doc));
    return check_settings(loader);
}

pc_status pc_study_load(pc_study *study, const pc_study_options *options, pc_error *err)
{
    study->problems = (pc_buffer){.budget = study->arena->budget};
    pc_digest_begin(&study->digest);
    pc_loader loader = {.study = study, .options = options, .err = err};
    PC_TRY(load_study(&loader));
    loader.doc = study->doc[0];
    return pc_study_link(&loader);
}

void pc_study_release(pc_study *study)
{
    for (int i = 0; i < study->doc_count; i++) {
        pc_json_free(study->doc[i]->json);
        pc_json_free(study->doc[i]->settings);
    }
    study->doc_count = 0;
    pc_buffer_release(&study->problems);
}
