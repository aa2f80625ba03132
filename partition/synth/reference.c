/** Reference files: the nomenclatures as shipped, and IR_PHA_R made from the drug packages. In
 * messy deliveries small files carry a byte order mark, CRLF, no last line feed, a cut last line
 * (T55), and a label of IR_PHA_R a line feed (T54). */
#include <stdio.h>
#include <string.h>
#include "synth.h"

// How the file of a nomenclature is disturbed in messy deliveries.
static const struct {
    const char *name;
    bool mark, carriage, no_end, cut;
} disturbed[] = {{"IR_SPE_V", true, false, false, false},
                 {"IR_DPT_V", false, true, false, false},
                 {"IR_ASU_V", false, false, true, false},
                 {"IR_TDU_V", false, false, false, true}};

int pc_synth_reference_count(const pc_synth *synth)
{
    return synth->world.nomenclature_count + 1;
}

const char *pc_synth_reference_name(const pc_synth *synth, int reference)
{
    if (reference == synth->world.nomenclature_count) return "IR_PHA_R";
    return synth->world.nomenclature[reference].name;
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
    bool mark = false, no_end = false, cut = false;
    for (size_t k = 0; synth->options.messy && k < sizeof disturbed / sizeof disturbed[0]; k++) {
        if (strcmp(disturbed[k].name, list->name) != 0) continue;
        mark = disturbed[k].mark;
        end = disturbed[k].carriage ? "\r\n" : "\n";
        no_end = disturbed[k].no_end;
        cut = disturbed[k].cut;
        truth->defect[55]++;
    }
    if (mark) PC_TRY(pc_buffer_append(out, "\xEF\xBB\xBF", 3, err));
    PC_TRY(write_line(list->header, header_bytes, third, end, out, err));
    const char *line = list->rows;
    for (int row = 0; row < list->row_count; row++) {
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

static pc_status write_package(pc_synth *synth, int index, pc_buffer *out, pc_error *err)
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
    }
    cell[DRUG_PHA_CIP_C13].number = drug->cip13;
    cell[DRUG_PHA_PRS_IDE].number = drug->cip7;
    cell[DRUG_PHA_CIP_UCD].number = INT64_C(3400890000000) + drug->cip7 % 1000000;
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
    const pc_status status = synth_row_write(&synth->world, &synth->drug_layout, row, out, err);
    cell[DRUG_PHA_MED_NOM].text = cell[DRUG_PHA_NOM_PA].text = cell[DRUG_PHA_ATC_LIB].text = NULL;
    return status;
}

pc_status pc_synth_reference(pc_synth *synth, int reference, pc_buffer *out, pc_synth_truth *truth,
                             pc_error *err)
{
    if (reference < synth->world.nomenclature_count) {
        return write_list(synth, &synth->world.nomenclature[reference], out, truth, err);
    }
    const pc_span header = synth->drug_layout.header;
    PC_TRY(pc_buffer_append(out, header.data, header.bytes, err));
    for (int k = 0; k < synth->world.drug_count; k++) {
        PC_TRY(write_package(synth, k, out, err));
    }
    truth->defect[54] += synth->options.messy ? 2 : 1;
    return PC_OK;
}
