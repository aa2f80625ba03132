/** What insurance and registers know of a person beyond claims: rights and their periods, the
 *  declared doctor, a place in a home, vaccinations and tests, pensions, causes of death, and the
 *  row of the disease mapping. */
#include <stdio.h>
#include <string.h>
#include "detail.h"

enum {
    HELPED_PPM = 25000, // people with help to pay a complementary insurance
    PREGNANT_PPM = 45000,
    VACCINATED_PPM = 780000,
    TESTS_PER_1000 = 1300, // a year, 2020 to 2023
    PENSION_PPM = 25000,   // people of 25 to 62
    ANNUITY_PPM = 20000,
    DOCTOR_PPM = 900000,
    FIRST_VACCINE = 2021,
    FIRST_TEST = 2020,
    LAST_TEST = 2023
};

static pc_status write_period(pc_synth *synth, synth_detail_table table, int pair, int32_t from,
                              int32_t to, pc_error *err)
{
    synth_detail_pair(synth, pair);
    VALUE_OF(synth, FROM).number = VALUE_OF(synth, DAY).number = from;
    VALUE_OF(synth, TO).number = to;
    return synth_detail_emit(synth, table, 0, 0, err);
}

// Rights that run by calendar year.
static pc_status yearly_rights(pc_synth *synth, int pair, pc_error *err)
{
    const synth_person *p = &synth->person;
    const bool helped = !p->poor && synth_chance(&synth->extra, HELPED_PPM);
    if (!p->poor && !helped) return PC_OK;
    for (int year = synth->options.first_year; year <= synth->options.last_year; year++) {
        const int32_t from = pc_day_of(year, 1, 1), to = pc_day_of(year, 12, 31);
        if (p->death_day < from || p->birth_day > to) continue;
        PC_TRY(write_period(synth, p->poor ? DETAIL_ORC : DETAIL_ACS, pair, from, to, err));
    }
    return PC_OK;
}

static pc_status pair_rights(pc_synth *synth, int pair, pc_error *err)
{
    const synth_person *p = &synth->person;
    const int32_t first = pc_day_of(synth->options.first_year, 1, 1);
    const int32_t open = pc_day_of(1600, 1, 1);
    const int age = synth_age(p, synth->options.last_year);
    PC_TRY(yearly_rights(synth, pair, err));
    for (int k = 0; k < p->ald_count; k++) {
        if (p->ald[k].kind == 11) continue;
        PC_TRY(write_period(synth, DETAIL_ETM, pair, p->ald[k].from, p->ald[k].to, err));
    }
    if (age >= 16 && synth_chance(&synth->extra, DOCTOR_PPM)) {
        const int32_t from = first - synth_between(&synth->extra, 0, 3000);
        PC_TRY(write_period(synth, DETAIL_MTT, pair, from, open, err));
    }
    return PC_OK;
}

static pc_status maternity(pc_synth *synth, pc_error *err)
{
    const synth_person *p = &synth->person;
    for (int year = synth->options.first_year; year <= synth->options.last_year; year++) {
        const int age = synth_age(p, year);
        if (p->sex != 0 || age < 18 || age > 43) continue;
        const int32_t from = pc_day_of(year, 1, 1) + synth_between(&synth->extra, 0, 360);
        if (from > p->death_day || !synth_chance(&synth->extra, PREGNANT_PPM)) continue;
        PC_TRY(write_period(synth, DETAIL_MAT, synth_pair_on(p, from, &synth->extra), from,
                            from + 270, err));
    }
    return PC_OK;
}

static pc_status homes(pc_synth *synth, pc_error *err)
{
    const synth_person *p = &synth->person;
    const int age = synth_age(p, synth->options.last_year);
    const uint32_t ppm = age < 75 ? 0 : age < 85 ? 40000 : age < 90 ? 160000 : 330000;
    if (!synth_chance(&synth->extra, ppm)) return PC_OK;
    const int32_t last = pc_day_of(synth->options.last_year, 12, 1);
    const int32_t from = last - synth_between(&synth->extra, 30, 1500);
    const int32_t to = p->death_day < last ? p->death_day : last;
    if (from > to) return PC_OK;
    return write_period(synth, DETAIL_ESM, 0, from, to, err);
}

static pc_status vaccines_and_tests(pc_synth *synth, pc_error *err)
{
    const synth_person *p = &synth->person;
    const bool vaccinated = synth_chance(&synth->extra, VACCINATED_PPM);
    for (int year = synth->options.first_year; year <= synth->options.last_year; year++) {
        const int32_t first = pc_day_of(year, 1, 1);
        const int age = synth_age(p, year);
        VALUE_OF(synth, AGE).number = age;
        if (age < 0) continue;
        const int doses = year == FIRST_VACCINE ? 2 : 1;
        for (int k = 0; k < doses && vaccinated && year >= FIRST_VACCINE && age >= 12; k++) {
            const int32_t day = first + synth_between(&synth->extra, 20 + 150 * k, 150 + 150 * k);
            if (day > p->death_day) continue;
            PC_TRY(write_period(synth, DETAIL_VAC, 0, day, day, err));
        }
        if (year < FIRST_TEST || year > LAST_TEST) continue;
        const int tests = synth_count(&synth->extra, TESTS_PER_1000 * 1024 / 1000);
        for (int k = 0; k < tests; k++) {
            const int32_t day = first + synth_between(&synth->extra, 0, 360);
            if (day > p->death_day || day < p->birth_day) continue;
            PC_TRY(write_period(synth, DETAIL_DEP, 0, day, day, err));
        }
    }
    return PC_OK;
}

// A monthly claim of invalidity pension, a quarterly one of an annuity after an accident at work.
static pc_status pensions(pc_synth *synth, pc_error *err)
{
    const synth_person *p = &synth->person;
    const int age = synth_age(p, synth->options.last_year);
    const bool pension = synth_chance(&synth->extra, PENSION_PPM);
    const bool annuity = synth_chance(&synth->extra, ANNUITY_PPM);
    if (age < 25 || age > 62 || (!pension && !annuity)) return PC_OK;
    const int32_t from = pc_day_of(synth->options.first_year, 1, 5);
    const int32_t to = pc_day_of(synth->options.last_year, 12, 31);
    for (int32_t day = from; day <= to && day < p->death_day; day += pension ? 30 : 91) {
        visit v;
        if (!synth_visit_open(synth, &synth->extra, day, &v)) continue;
        claim line = synth_claim(p, pension ? SYNTH_PENSION : SYNTH_ANNUITY, 1, 62000, 100);
        line.executor = line.prescriber = 0;
        line.speciality = line.asker_speciality = 0;
        line.prescribed = day;
        line.insurance = pension ? 10 : 40;
        PC_TRY(synth_claim_emit(synth, &synth->extra, &v, &line, err));
    }
    return PC_OK;
}

pc_status synth_rights_emit(pc_synth *synth, pc_error *err)
{
    const synth_person *p = &synth->person;
    PC_TRY(synth_detail_emit(synth, DETAIL_IBA, 0, 0, err));
    for (int pair = 0; pair < p->pair_count; pair++)
        PC_TRY(pair_rights(synth, pair, err));
    PC_TRY(maternity(synth, err));
    PC_TRY(homes(synth, err));
    PC_TRY(vaccines_and_tests(synth, err));
    return pensions(synth, err);
}

// The row of KI_CCI_R names the underlying cause, which stands last on the certificate.
pc_status synth_causes_write(pc_synth *synth, pc_error *err)
{
    static const char *const label[] = {"Arr\xC3\xAAt cardiaque", "Choc septique",
                                        "Insuffisance respiratoire aigu\xC3\xAB",
                                        "D\303\251faillance multivisc\303\251rale"};
    static const char *const code[] = {"I469", "A419", "J960", "R688"};
    const synth_cell *certificate = synth->row[SYNTH_CCI].cell;
    const int count = synth_between(&synth->extra, 1, 5);
    VALUE_OF(synth, CERTIFICATE).text = certificate[CCI_DCD_IDT_ENC].text;
    VALUE_OF(synth, MATCHED).number = certificate[CCI_DCD_IDT_TOP].number;
    VALUE_OF(synth, IDT).text = certificate[CCI_BEN_IDT_ANO].text;
    VALUE_OF(synth, ANO).text = certificate[CCI_BEN_NIR_ANO].text;
    VALUE_OF(synth, FILE_YEAR).number = certificate[CCI_FLX_PER_ANN].number;
    VALUE_OF(synth, DEATH).number = synth->person.death_day;
    pc_status status = PC_OK;
    for (int k = 0; k < count && status == PC_OK; k++) {
        const bool last = k == count - 1;
        VALUE_OF(synth, LINE).number = k + 1;
        VALUE_OF(synth, ORDER).number = 1;
        VALUE_OF(synth, MAIN).text = last ? certificate[CCI_DCD_CIM_COD].text : code[k % 4];
        snprintf(synth->text.label, sizeof synth->text.label, "%s",
                 last ? "\"Cause initiale; voir dossier\"" : label[k % 4]);
        VALUE_OF(synth, LABEL).text = synth->text.label;
        status = synth_detail_emit(synth, DETAIL_ECD, 0, 0, err);
    }
    synth_random extra = synth->extra; // the person's values again, the stream goes on
    synth_detail_person(synth);
    synth->extra = extra;
    return status;
}

pc_status synth_atlas_emit(pc_synth *synth, const bool *diabetic, pc_error *err)
{
    const synth_person *p = &synth->person;
    for (int year = synth->options.first_year; year <= synth->options.last_year; year++) {
        const int32_t first = pc_day_of(year, 1, 1), last = pc_day_of(year, 12, 31);
        if (p->death_day < first || p->birth_day > last) continue;
        synth->detail.diseases = 0;
        for (int k = 0; k < p->ill_count; k++) {
            if (p->ill[k].since <= last) synth->detail.diseases |= UINT64_C(1) << p->ill[k].disease;
        }
        VALUE_OF(synth, AGE).number = synth_age(p, year);
        VALUE_OF(synth, DEATH).number =
            p->death_known && p->death_day <= last ? p->death_day : pc_day_of(1600, 1, 1);
        const int index = year - synth->options.first_year;
        VALUE_OF(synth, DIABETE).number = diabetic[index];
        PC_TRY(synth_detail_emit(synth, DETAIL_ATLAS, index, 0, err));
    }
    return PC_OK;
}
