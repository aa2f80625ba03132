/** Reference files: the nomenclatures as shipped, IR_PHA_R made from the drug packages, and with
 * all columns establishments and professionals. In messy deliveries small files carry a byte order
 *  mark, CRLF, no last line feed, a cut last line or nothing but their header (T55), and labels of
 *  IR_PHA_R a line feed and Latin-1 (T54). */
#include <stdio.h>
#include <string.h>
#include "detail.h"

enum { PEOPLE_PER_DOCTOR = 45 };

// How the file of a nomenclature is disturbed in messy deliveries.
static const struct {
    const char *name;
    bool mark, carriage, no_end, cut, empty;
} disturbed[] = {{"IR_SPE_V", .mark = true},
                 {"IR_DPT_V", .carriage = true},
                 {"IR_ASU_V", .no_end = true},
                 {"IR_TDU_V", .cut = true},
                 {"IR_ENT_V", .empty = true}};

int pc_synth_reference_count(const pc_synth *synth)
{
    return synth->reference_count;
}

const char *pc_synth_reference_name(const pc_synth *synth, int reference)
{
    return synth->reference[reference].name;
}

int64_t synth_ucd_of(const synth_drug *drug)
{
    return INT64_C(3400890000000) + drug->cip7 % 1000000;
}

static pc_status add_reference(pc_synth *synth, const synth_columns *columns, int table, int year,
                               pc_arena *arena, pc_error *err)
{
    synth_reference *out = &synth->reference[synth->reference_count++];
    out->list = -1;
    out->table = table;
    out->year = year;
    if (year == 0) {
        snprintf(out->name, sizeof out->name, "%.20s.CSV", synth_schema(table));
    } else {
        synth_file_name(table, year, out->name, sizeof out->name);
    }
    return synth_layout_make(columns, &synth->world, table, year, false, arena, &out->layout, err);
}

pc_status synth_reference_plan(pc_synth *synth, const synth_columns *columns, pc_arena *arena,
                               pc_error *err)
{
    for (int list = 0; list < synth->world.nomenclature_count; list++) {
        synth_reference *out = &synth->reference[synth->reference_count++];
        out->list = list;
        snprintf(out->name, sizeof out->name, "%.20s.CSV", synth->world.nomenclature[list].name);
    }
    PC_TRY(add_reference(synth, columns, SYNTH_DRUG, 0, arena, err));
    for (int detail = 0; columns->all && detail < SYNTH_DETAILS; detail++) {
        const int table = SYNTH_TABLES + detail;
        if (synth_due_of(detail) != DUE_REFERENCE) continue;
        if (!synth_is_yearly(table)) {
            PC_TRY(add_reference(synth, columns, table, 0, arena, err));
            continue;
        }
        for (int year = synth->options.first_year; year <= synth->options.last_year; year++) {
            PC_TRY(add_reference(synth, columns, table, year, arena, err));
        }
    }
    return PC_OK;
}

// One line of a nomenclature: cells are quoted where CSV needs it; lists without a third column
// have two cells.
static pc_status write_line(const char *line, size_t bytes, bool third, const char *end,
                            pc_buffer *out, pc_error *err)
{
    size_t at = 0;
    for (int cell = 0; cell < (third ? 3 : 2); cell++) {
        size_t cell_bytes = 0;
        while (at + cell_bytes < bytes && line[at + cell_bytes] != ';')
            cell_bytes++;
        if (cell > 0) PC_TRY(pc_buffer_append(out, ";", 1, err));
        PC_TRY(pc_buffer_append(out, line + at, cell_bytes, err));
        at += cell_bytes + (at + cell_bytes < bytes);
    }
    return pc_buffer_append(out, end, strlen(end), err);
}

static pc_status write_list(pc_synth *synth, const synth_nomenclature *list, pc_buffer *out,
                            pc_synth_truth *truth, pc_error *err)
{
    const size_t header_bytes = strlen(list->header);
    const bool third = list->header[header_bytes - 1] != ';';
    const char *end = "\n";
    bool mark = false, no_end = false, cut = false, empty = false;
    for (size_t k = 0; synth->options.messy && k < sizeof disturbed / sizeof disturbed[0]; k++) {
        if (strcmp(disturbed[k].name, list->name) != 0) continue;
        mark = disturbed[k].mark;
        end = disturbed[k].carriage ? "\r\n" : "\n";
        no_end = disturbed[k].no_end;
        cut = disturbed[k].cut;
        empty = disturbed[k].empty;
        truth->defect[55]++;
    }
    if (mark) PC_TRY(pc_buffer_append(out, "\xEF\xBB\xBF", 3, err));
    PC_TRY(write_line(list->header, header_bytes, third, end, out, err));
    const char *line = list->rows;
    for (int row = 0; row < list->row_count && !empty; row++) {
        const size_t bytes = strcspn(line, "\n");
        PC_TRY(write_line(line, bytes, third, end, out, err));
        line += bytes + 1;
    }
    if (no_end) out->bytes -= 1;
    if (cut) { // the last line ends inside its first cell
        size_t last = out->bytes - 1;
        while (out->data[last - 1] != '\n')
            last--;
        out->bytes = last + 1;
    }
    return PC_OK;
}

static pc_status write_package(pc_synth *synth, const synth_layout *layout, int index,
                               pc_buffer *out, pc_error *err)
{
    const synth_drug *drug = &synth->world.drug[index];
    synth_row *row = &synth->row[SYNTH_DRUG];
    synth_cell *cell = row->cell;
    char name[32], substance[32], label[32];
    snprintf(name, sizeof name, "SPECIALITE %.7s", drug->atc);
    snprintf(substance, sizeof substance, "SUBSTANCE %.7s", drug->atc);
    snprintf(label, sizeof label, "CLASSE %.7s", drug->atc);
    cell[DRUG_PHA_MED_NOM].text = name;
    // one label with a delimiter, quotes and accents, which CSV must quote; one with a line feed
    if (index == 0) {
        cell[DRUG_PHA_MED_NOM].text = "\"SOLUT\xC3\x89 \"\"FORT\xC3\x89\"\"; COMPRIM\xC3\x89\"";
    } else if (index == 1 && synth->options.messy) {
        cell[DRUG_PHA_MED_NOM].text = "\"SIROP\nENFANT\"";
    } else if (index == 2 && synth->options.messy) { // not UTF-8 but Latin-1
        cell[DRUG_PHA_MED_NOM].text = "CR\xC8ME";
    }
    cell[DRUG_PHA_CIP_C13].number = drug->cip13;
    cell[DRUG_PHA_PRS_IDE].number = drug->cip7;
    cell[DRUG_PHA_CIP_UCD].number = synth_ucd_of(drug);
    cell[DRUG_PHA_MED_NAT].number = 1;
    cell[DRUG_PHA_DTD_ALM].number = pc_day_of(1998, 1, 1);
    cell[DRUG_PHA_DTF_ALM].number = pc_day_of(1600, 1, 1);
    cell[DRUG_PHA_PRI_UNI].number = drug->cents;
    cell[DRUG_PHA_NOM_PA].text = substance;
    cell[DRUG_PHA_CND_TOP].text = drug->large ? "GC" : NULL;
    cell[DRUG_PHA_UNT_NBR_DSES].number = drug->large ? 90 : 30;
    cell[DRUG_PHA_ATC_C07].text = drug->atc;
    cell[DRUG_PHA_GRD_CND].text = drug->large ? "GC" : NULL;
    cell[DRUG_PHA_ATC_CLA].text = drug->atc;
    cell[DRUG_PHA_ATC_LIB].text = label;
    cell[DRUG_PHA_SUB_DOS].text = "500 MG";
    cell[DRUG_PHA_UPC_NBR].number = drug->large ? 90 : 30;
    row->salt = drug->cip7 * 2654435761u;
    const pc_status status = synth_row_write(&synth->world, layout, row, out, err);
    cell[DRUG_PHA_MED_NOM].text = cell[DRUG_PHA_NOM_PA].text = cell[DRUG_PHA_ATC_LIB].text = NULL;
    return status;
}

static pc_status write_packages(pc_synth *synth, const synth_layout *layout, pc_buffer *out,
                                pc_synth_truth *truth, pc_error *err)
{
    for (int k = 0; k < synth->world.drug_count; k++) {
        PC_TRY(write_package(synth, layout, k, out, err));
    }
    truth->defect[53] += synth->odd_file_count;
    truth->defect[54] += synth->options.messy ? 3 : 1;
    return PC_OK;
}

// The hospitals of a kind: a few in each department (five departments overseas share their digits).
static pc_status write_hospitals(pc_synth *synth, const synth_layout *layout, int serial, int count,
                                 pc_buffer *out, pc_error *err)
{
    for (int place = 0; place < SYNTH_PLACES; place++) {
        const char *digits = synth_place_finess(place);
        if (place > 0 && strcmp(digits, synth_place_finess(place - 1)) == 0) continue;
        synth->person.place = (int16_t)place;
        for (int k = 0; k < count; k++) {
            synth_detail_hospital(synth, serial + 11 * k);
            VALUE_OF(synth, DPT).text = synth_place_code(place);
            synth->detail.salt += 2654435761u;
            PC_TRY(synth_row_write(&synth->world, layout, &synth->detail, out, err));
        }
    }
    return PC_OK;
}

// Establishments as claims name them: eight digits, the check digit aside.
static pc_status write_establishments(pc_synth *synth, const synth_layout *layout, pc_buffer *out,
                                      pc_error *err)
{
    synth_detail_text *text = &synth->text;
    VALUE_OF(synth, HOSPITAL).text = text->hospital;
    VALUE_OF(synth, HOSPITAL8).text = text->hospital8;
    for (int place = 0; place < SYNTH_PLACES; place++) {
        for (int k = 0; k < 5; k++) {
            const int number = (place + 1) * 100000 + 7 + k;
            snprintf(text->hospital8, sizeof text->hospital8, "%08d", number);
            snprintf(text->hospital, sizeof text->hospital, "%08d0", number);
            synth->detail.salt += 2654435761u;
            PC_TRY(synth_row_write(&synth->world, layout, &synth->detail, out, err));
        }
    }
    return PC_OK;
}

// Doctors and specialists of each department, as many as the people need: all are named only in
// deliveries of some millions of people.
static pc_status write_practitioners(pc_synth *synth, const synth_layout *layout, pc_buffer *out,
                                     pc_error *err)
{
    const int64_t wanted = 1 + synth->options.patients / PEOPLE_PER_DOCTOR / SYNTH_PLACES;
    const int doctors = wanted < 900 ? (int)wanted : 900, others = doctors < 400 ? doctors : 400;
    VALUE_OF(synth, YEAR_DAY).number = pc_day_of(synth->options.last_year, 12, 1);
    for (int place = 0; place < SYNTH_PLACES; place++) {
        for (int k = 0; k < doctors + others; k++) {
            const bool doctor = k < doctors;
            VALUE_OF(synth, DOCTOR).number =
                (place + 1) * 100000 + (doctor ? 10001 + k : 20001 + k - doctors);
            VALUE_OF(synth, SPECIALITY).number = doctor ? 1 : 3 + k % 15;
            synth->detail.salt += 2654435761u;
            PC_TRY(synth_row_write(&synth->world, layout, &synth->detail, out, err));
        }
    }
    return PC_OK;
}

pc_status pc_synth_reference(pc_synth *synth, int reference, pc_buffer *out, pc_synth_truth *truth,
                             pc_error *err)
{
    const synth_reference *file = &synth->reference[reference];
    if (file->list >= 0) {
        return write_list(synth, &synth->world.nomenclature[file->list], out, truth, err);
    }
    const synth_layout *layout = &file->layout;
    PC_TRY(pc_buffer_append(out, layout->header.data, layout->header.bytes, err));
    VALUE_OF(synth, FILE_YEAR).number = file->year;
    synth->detail.salt = (uint32_t)file->year;
    switch (file->table - (int)SYNTH_TABLES) {
        case DETAIL_PRACTITIONER:
            return write_practitioners(synth, layout, out, err);
        case DETAIL_ESTABLISHMENT:
            return write_establishments(synth, layout, out, err);
        case DETAIL_MCO_E:
            return write_hospitals(synth, layout, 1000, 6, out, err);
        case DETAIL_SSR_E:
            return write_hospitals(synth, layout, 2000, 2, out, err);
        case DETAIL_HAD_E:
            return write_hospitals(synth, layout, 3000, 1, out, err);
        case DETAIL_RIP_E:
            return write_hospitals(synth, layout, 4000, 2, out, err);
        default:
            return write_packages(synth, layout, out, truth, err);
    }
}
