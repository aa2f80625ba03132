/** The criteria types of Circe: tables, columns, attributes. Facts of circe-be 1.11 and 1.12. */
#include "definition.h"
#include <string.h>

// Names that begin with @ are of the event or its person, others are columns.
static const char *const pseudo[] = {
    "@start",     "@end",       "@length", "@age",   "@age_end",   "@gender",    "@race",
    "@ethnicity", "@specialty", "@place",  "@visit", "@low_ratio", "@high_ratio"};

#define FIXED(id, concept, source, start, end, visit, provider, care_site)                         \
    {id, PC_CIRCE_INTEGER}, {concept, PC_CIRCE_INTEGER}, {source, PC_CIRCE_INTEGER},               \
        {start, PC_CIRCE_INTEGER}, {end, PC_CIRCE_INTEGER}, {visit, PC_CIRCE_INTEGER},             \
        {provider, PC_CIRCE_INTEGER},                                                              \
    {                                                                                              \
        care_site, PC_CIRCE_INTEGER                                                                \
    }

#define SETS(source)                                                                               \
    {"CodesetId", PC_CIRCE_READS_SET, NULL, NULL}, {"First", PC_CIRCE_READS_FIRST, NULL, NULL},    \
    {                                                                                              \
        source, PC_CIRCE_READS_SOURCE, NULL, NULL                                                  \
    }
#define DATES(key, field)                                                                          \
    {                                                                                              \
        key, PC_CIRCE_READS_DATES, field, NULL                                                     \
    }
#define INTEGERS(key, field)                                                                       \
    {                                                                                              \
        key, PC_CIRCE_READS_INTEGERS, field, NULL                                                  \
    }
#define NUMBERS(key, field)                                                                        \
    {                                                                                              \
        key, PC_CIRCE_READS_NUMBERS, field, NULL                                                   \
    }
#define TEXT(key, field)                                                                           \
    {                                                                                              \
        key, PC_CIRCE_READS_TEXT, field, NULL                                                      \
    }
#define NEVER(key, why)                                                                            \
    {                                                                                              \
        key, PC_CIRCE_READS_NEVER, why, NULL                                                       \
    }
#define CONCEPTS(key, field)                                                                       \
    {key, PC_CIRCE_READS_CONCEPTS, field, NULL},                                                   \
    {                                                                                              \
        key "CS", PC_CIRCE_READS_SELECTION, field, NULL                                            \
    }
#define TYPED(key, field)                                                                          \
    {key, PC_CIRCE_READS_CONCEPTS, field, key "Exclude"},                                          \
    {                                                                                              \
        key "CS", PC_CIRCE_READS_SELECTION, field, NULL                                            \
    }
#define GENDER CONCEPTS("Gender", "@gender")
#define CARE   CONCEPTS("ProviderSpecialty", "@specialty"), CONCEPTS("VisitType", "@visit")

static const char of_location[] = "Circe's SQL for it names columns that do not exist";
static const char of_specimen[] = "Circe reads it and ignores it";

static const pc_circe_column condition_columns[] = {
    FIXED("condition_occurrence_id", "condition_concept_id", "condition_source_concept_id",
          "condition_start_date", "condition_end_date", "visit_occurrence_id", "provider_id", NULL),
    {"condition_type_concept_id", PC_CIRCE_INTEGER},
    {"condition_status_concept_id", PC_CIRCE_INTEGER},
    {"stop_reason", PC_CIRCE_TEXT}};
static const pc_circe_attribute condition_attributes[] = {
    SETS("ConditionSourceConcept"),
    DATES("OccurrenceStartDate", "@start"),
    DATES("OccurrenceEndDate", "@end"),
    TYPED("ConditionType", "condition_type_concept_id"),
    TEXT("StopReason", "stop_reason"),
    INTEGERS("Age", "@age"),
    GENDER,
    CARE,
    CONCEPTS("ConditionStatus", "condition_status_concept_id"),
    {NULL, 0, NULL, NULL}};
static const char *const lasting[] = {"DURATION", "@length", NULL};

static const pc_circe_column drug_columns[] = {
    FIXED("drug_exposure_id", "drug_concept_id", "drug_source_concept_id",
          "drug_exposure_start_date", "drug_exposure_end_date", "visit_occurrence_id",
          "provider_id", NULL),
    {"days_supply", PC_CIRCE_INTEGER},
    {"drug_type_concept_id", PC_CIRCE_INTEGER},
    {"stop_reason", PC_CIRCE_TEXT},
    {"refills", PC_CIRCE_INTEGER},
    {"quantity", PC_CIRCE_NUMBER},
    {"route_concept_id", PC_CIRCE_INTEGER},
    {"effective_drug_dose", PC_CIRCE_NUMBER},
    {"dose_unit_concept_id", PC_CIRCE_INTEGER},
    {"lot_number", PC_CIRCE_TEXT}};
static const pc_circe_attribute drug_attributes[] = {
    SETS("DrugSourceConcept"),
    DATES("OccurrenceStartDate", "@start"),
    {"OccurrenceEndDate", PC_CIRCE_READS_START_IF_COMPATIBLE, "@start", NULL},
    TYPED("DrugType", "drug_type_concept_id"),
    TEXT("StopReason", "stop_reason"),
    INTEGERS("Refills", "refills"),
    NUMBERS("Quantity", "quantity"),
    INTEGERS("DaysSupply", "days_supply"),
    CONCEPTS("RouteConcept", "route_concept_id"),
    NUMBERS("EffectiveDrugDose", "effective_drug_dose"),
    CONCEPTS("DoseUnit", "dose_unit_concept_id"),
    TEXT("LotNumber", "lot_number"),
    INTEGERS("Age", "@age"),
    GENDER,
    CARE,
    {NULL, 0, NULL, NULL}};
static const char *const drug_distinct[] = {"DURATION",    "@length",  "DAYS_SUPPLY",
                                            "days_supply", "QUANTITY", "quantity",
                                            "REFILLS",     "refills",  NULL};

static const pc_circe_column procedure_columns[] = {
    FIXED("procedure_occurrence_id", "procedure_concept_id", "procedure_source_concept_id",
          "procedure_date", NULL, "visit_occurrence_id", "provider_id", NULL),
    {"procedure_type_concept_id", PC_CIRCE_INTEGER},
    {"modifier_concept_id", PC_CIRCE_INTEGER},
    {"quantity", PC_CIRCE_NUMBER}};
static const pc_circe_attribute procedure_attributes[] = {
    SETS("ProcedureSourceConcept"),
    DATES("OccurrenceStartDate", "@start"),
    TYPED("ProcedureType", "procedure_type_concept_id"),
    CONCEPTS("Modifier", "modifier_concept_id"),
    INTEGERS("Quantity", "quantity"),
    INTEGERS("Age", "@age"),
    GENDER,
    CARE,
    {NULL, 0, NULL, NULL}};
static const char *const procedure_distinct[] = {"DURATION", "@one", "QUANTITY", "quantity", NULL};

static const pc_circe_column measurement_columns[] = {
    FIXED("measurement_id", "measurement_concept_id", "measurement_source_concept_id",
          "measurement_date", NULL, "visit_occurrence_id", "provider_id", NULL),
    {"value_as_number", PC_CIRCE_NUMBER},
    {"range_low", PC_CIRCE_NUMBER},
    {"range_high", PC_CIRCE_NUMBER},
    {"value_as_concept_id", PC_CIRCE_INTEGER},
    {"measurement_type_concept_id", PC_CIRCE_INTEGER},
    {"operator_concept_id", PC_CIRCE_INTEGER},
    {"unit_concept_id", PC_CIRCE_INTEGER}};
static const pc_circe_attribute measurement_attributes[] = {
    SETS("MeasurementSourceConcept"),
    DATES("OccurrenceStartDate", "@start"),
    TYPED("MeasurementType", "measurement_type_concept_id"),
    CONCEPTS("Operator", "operator_concept_id"),
    NUMBERS("ValueAsNumber", "value_as_number"),
    CONCEPTS("ValueAsConcept", "value_as_concept_id"),
    CONCEPTS("Unit", "unit_concept_id"),
    NUMBERS("RangeLow", "range_low"),
    NUMBERS("RangeHigh", "range_high"),
    NUMBERS("RangeLowRatio", "@low_ratio"),
    NUMBERS("RangeHighRatio", "@high_ratio"),
    {"Abnormal", PC_CIRCE_READS_ABNORMAL, NULL, NULL},
    INTEGERS("Age", "@age"),
    GENDER,
    CARE,
    {NULL, 0, NULL, NULL}};
static const char *const measurement_distinct[] = {
    "DURATION",        "@one",       "VALUE_AS_NUMBER",
    "value_as_number", "RANGE_LOW",  "range_low",
    "RANGE_HIGH",      "range_high", NULL};

static const pc_circe_column observation_columns[] = {
    FIXED("observation_id", "observation_concept_id", "observation_source_concept_id",
          "observation_date", NULL, "visit_occurrence_id", "provider_id", NULL),
    {"value_as_number", PC_CIRCE_NUMBER},
    {"value_as_string", PC_CIRCE_TEXT},
    {"value_as_concept_id", PC_CIRCE_INTEGER},
    {"observation_type_concept_id", PC_CIRCE_INTEGER},
    {"qualifier_concept_id", PC_CIRCE_INTEGER},
    {"unit_concept_id", PC_CIRCE_INTEGER}};
static const pc_circe_attribute observation_attributes[] = {
    SETS("ObservationSourceConcept"),
    DATES("OccurrenceStartDate", "@start"),
    TYPED("ObservationType", "observation_type_concept_id"),
    NUMBERS("ValueAsNumber", "value_as_number"),
    TEXT("ValueAsString", "value_as_string"),
    CONCEPTS("ValueAsConcept", "value_as_concept_id"),
    CONCEPTS("Qualifier", "qualifier_concept_id"),
    CONCEPTS("Unit", "unit_concept_id"),
    INTEGERS("Age", "@age"),
    GENDER,
    CARE,
    {NULL, 0, NULL, NULL}};
static const char *const observation_distinct[] = {"DURATION", "@one", "VALUE_AS_NUMBER",
                                                   "value_as_number", NULL};

static const pc_circe_column visit_columns[] = {
    FIXED("visit_occurrence_id", "visit_concept_id", "visit_source_concept_id", "visit_start_date",
          "visit_end_date", "visit_occurrence_id", "provider_id", "care_site_id"),
    {"visit_type_concept_id", PC_CIRCE_INTEGER}};
static const pc_circe_attribute visit_attributes[] = {SETS("VisitSourceConcept"),
                                                      DATES("OccurrenceStartDate", "@start"),
                                                      DATES("OccurrenceEndDate", "@end"),
                                                      TYPED("VisitType", "visit_type_concept_id"),
                                                      INTEGERS("VisitLength", "@length"),
                                                      INTEGERS("Age", "@age"),
                                                      GENDER,
                                                      CONCEPTS("ProviderSpecialty", "@specialty"),
                                                      CONCEPTS("PlaceOfService", "@place"),
                                                      NEVER("PlaceOfServiceLocation", of_location),
                                                      {NULL, 0, NULL, NULL}};

static const pc_circe_column detail_columns[] = {
    FIXED("visit_detail_id", "visit_detail_concept_id", "visit_detail_source_concept_id",
          "visit_detail_start_date", "visit_detail_end_date", "visit_occurrence_id", "provider_id",
          "care_site_id"),
    {"visit_detail_type_concept_id", PC_CIRCE_INTEGER}};
static const pc_circe_attribute detail_attributes[] = {
    SETS("VisitDetailSourceConcept"),
    DATES("VisitDetailStartDate", "@start"),
    DATES("VisitDetailEndDate", "@end"),
    {"VisitDetailTypeCS", PC_CIRCE_READS_SELECTION, "visit_detail_type_concept_id", NULL},
    INTEGERS("VisitDetailLength", "@length"),
    INTEGERS("Age", "@age_end"),
    {"GenderCS", PC_CIRCE_READS_SELECTION, "@gender", NULL},
    {"ProviderSpecialtyCS", PC_CIRCE_READS_SELECTION, "@specialty", NULL},
    {"PlaceOfServiceCS", PC_CIRCE_READS_SELECTION, "@place", NULL},
    NEVER("PlaceOfServiceLocation", of_location),
    {NULL, 0, NULL, NULL}};
static const char *const detail_distinct[] = {"DURATION", "@length", "VISIT_DETAIL_ID", "@event",
                                              NULL};

static const pc_circe_column device_columns[] = {
    FIXED("device_exposure_id", "device_concept_id", "device_source_concept_id",
          "device_exposure_start_date", "device_exposure_end_date", "visit_occurrence_id",
          "provider_id", NULL),
    {"device_type_concept_id", PC_CIRCE_INTEGER},
    {"unique_device_id", PC_CIRCE_TEXT},
    {"quantity", PC_CIRCE_NUMBER}};
static const pc_circe_attribute device_attributes[] = {
    SETS("DeviceSourceConcept"),
    DATES("OccurrenceStartDate", "@start"),
    DATES("OccurrenceEndDate", "@end"),
    TYPED("DeviceType", "device_type_concept_id"),
    TEXT("UniqueDeviceId", "unique_device_id"),
    INTEGERS("Quantity", "quantity"),
    INTEGERS("Age", "@age"),
    GENDER,
    CARE,
    {NULL, 0, NULL, NULL}};
static const char *const device_distinct[] = {"DURATION", "@length", "QUANTITY", "quantity", NULL};

static const pc_circe_column specimen_columns[] = {
    FIXED("specimen_id", "specimen_concept_id", NULL, "specimen_date", NULL, NULL, NULL, NULL),
    {"specimen_type_concept_id", PC_CIRCE_INTEGER},
    {"quantity", PC_CIRCE_NUMBER},
    {"unit_concept_id", PC_CIRCE_INTEGER},
    {"anatomic_site_concept_id", PC_CIRCE_INTEGER},
    {"disease_status_concept_id", PC_CIRCE_INTEGER},
    {"specimen_source_id", PC_CIRCE_TEXT}};
static const pc_circe_attribute specimen_attributes[] = {
    {"CodesetId", PC_CIRCE_READS_SET, NULL, NULL},
    {"First", PC_CIRCE_READS_FIRST, NULL, NULL},
    NEVER("SpecimenSourceConcept", of_specimen),
    NEVER("DateAdjustment", of_specimen),
    DATES("OccurrenceStartDate", "@start"),
    TYPED("SpecimenType", "specimen_type_concept_id"),
    NUMBERS("Quantity", "quantity"),
    CONCEPTS("Unit", "unit_concept_id"),
    CONCEPTS("AnatomicSite", "anatomic_site_concept_id"),
    CONCEPTS("DiseaseStatus", "disease_status_concept_id"),
    TEXT("SourceId", "specimen_source_id"),
    INTEGERS("Age", "@age"),
    GENDER,
    {NULL, 0, NULL, NULL}};
static const char *const one_day[] = {"DURATION", "@one", NULL};

static const pc_circe_column death_columns[] = {FIXED(NULL, "cause_concept_id",
                                                      "cause_source_concept_id", "death_date", NULL,
                                                      NULL, NULL, NULL),
                                                {"death_type_concept_id", PC_CIRCE_INTEGER}};
static const pc_circe_attribute death_attributes[] = {
    {"CodesetId", PC_CIRCE_READS_SET, NULL, NULL},
    {"DeathSourceConcept", PC_CIRCE_READS_SOURCE, NULL, NULL},
    NEVER("DateAdjustment", "Circe ignores which date it starts with"),
    DATES("OccurrenceStartDate", "@start"),
    TYPED("DeathType", "death_type_concept_id"),
    INTEGERS("Age", "@age"),
    GENDER,
    {NULL, 0, NULL, NULL}};

#define ERA                                                                                        \
    {"CodesetId", PC_CIRCE_READS_SET, NULL, NULL}, {"First", PC_CIRCE_READS_FIRST, NULL, NULL},    \
        DATES("EraStartDate", "@start"), DATES("EraEndDate", "@end"),                              \
        INTEGERS("EraLength", "@length"), INTEGERS("AgeAtStart", "@age"),                          \
        INTEGERS("AgeAtEnd", "@age_end"), GENDER
static const pc_circe_column condition_era_columns[] = {
    FIXED("condition_era_id", "condition_concept_id", NULL, "condition_era_start_date",
          "condition_era_end_date", NULL, NULL, NULL),
    {"condition_occurrence_count", PC_CIRCE_INTEGER}};
static const pc_circe_attribute condition_era_attributes[] = {
    ERA, INTEGERS("OccurrenceCount", "condition_occurrence_count"), {NULL, 0, NULL, NULL}};
static const char *const condition_era_distinct[] = {"DURATION", "@length", "ERA_OCCURRENCES",
                                                     "condition_occurrence_count", NULL};
static const pc_circe_column drug_era_columns[] = {FIXED("drug_era_id", "drug_concept_id", NULL,
                                                         "drug_era_start_date", "drug_era_end_date",
                                                         NULL, NULL, NULL),
                                                   {"drug_exposure_count", PC_CIRCE_INTEGER},
                                                   {"gap_days", PC_CIRCE_INTEGER}};
static const pc_circe_attribute drug_era_attributes[] = {
    ERA,
    INTEGERS("OccurrenceCount", "drug_exposure_count"),
    NEVER("GapDays", "Circe compares it with the numbers of EraLength"),
    {NULL, 0, NULL, NULL}};
static const char *const drug_era_distinct[] = {
    "DURATION", "@length", "ERA_OCCURRENCES", "drug_exposure_count", "GAP_DAYS", "gap_days", NULL};
static const pc_circe_column dose_era_columns[] = {FIXED("dose_era_id", "drug_concept_id", NULL,
                                                         "dose_era_start_date", "dose_era_end_date",
                                                         NULL, NULL, NULL),
                                                   {"unit_concept_id", PC_CIRCE_INTEGER},
                                                   {"dose_value", PC_CIRCE_NUMBER}};
static const pc_circe_attribute dose_era_attributes[] = {ERA,
                                                         CONCEPTS("Unit", "unit_concept_id"),
                                                         NUMBERS("DoseValue", "dose_value"),
                                                         {NULL, 0, NULL, NULL}};
static const char *const dose_era_distinct[] = {
    "DURATION", "@length", "UNIT", "unit_concept_id", "VALUE_AS_NUMBER", "dose_value", NULL};

#define SPAN                                                                                       \
    {"First", PC_CIRCE_READS_FIRST, NULL, NULL}, DATES("PeriodStartDate", "@start"),               \
        DATES("PeriodEndDate", "@end"),                                                            \
        {"UserDefinedPeriod", PC_CIRCE_READS_USER_PERIOD, NULL, NULL},                             \
        INTEGERS("PeriodLength", "@length"), INTEGERS("AgeAtStart", "@age"),                       \
        INTEGERS("AgeAtEnd", "@age_end")
static const pc_circe_column period_columns[] = {
    FIXED("observation_period_id", "period_type_concept_id", NULL, "observation_period_start_date",
          "observation_period_end_date", NULL, NULL, NULL)};
static const pc_circe_attribute period_attributes[] = {
    SPAN, CONCEPTS("PeriodType", "period_type_concept_id"), {NULL, 0, NULL, NULL}};

#define PAYER(key, column)                                                                         \
    {                                                                                              \
        key, PC_CIRCE_READS_SET_FILTER, column, NULL                                               \
    }
static const pc_circe_column payer_columns[] = {
    FIXED("payer_plan_period_id", "payer_concept_id", NULL, "payer_plan_period_start_date",
          "payer_plan_period_end_date", NULL, NULL, NULL),
    {"plan_concept_id", PC_CIRCE_INTEGER},
    {"sponsor_concept_id", PC_CIRCE_INTEGER},
    {"stop_reason_concept_id", PC_CIRCE_INTEGER},
    {"payer_source_concept_id", PC_CIRCE_INTEGER},
    {"plan_source_concept_id", PC_CIRCE_INTEGER},
    {"sponsor_source_concept_id", PC_CIRCE_INTEGER},
    {"stop_reason_source_concept_id", PC_CIRCE_INTEGER}};
static const pc_circe_attribute payer_attributes[] = {
    SPAN,
    GENDER,
    PAYER("PayerConcept", "payer_concept_id"),
    PAYER("PlanConcept", "plan_concept_id"),
    PAYER("SponsorConcept", "sponsor_concept_id"),
    PAYER("StopReasonConcept", "stop_reason_concept_id"),
    PAYER("PayerSourceConcept", "payer_source_concept_id"),
    PAYER("PlanSourceConcept", "plan_source_concept_id"),
    PAYER("SponsorSourceConcept", "sponsor_source_concept_id"),
    PAYER("StopReasonSourceConcept", "stop_reason_source_concept_id"),
    {NULL, 0, NULL, NULL}};
static const char *const nothing[] = {NULL};

#define DOMAIN(type, table, end, columns, attributes, distinct)                                    \
    {                                                                                              \
        type, table, end, (int)(sizeof columns / sizeof columns[0]), columns, attributes, distinct \
    }
static const pc_circe_domain_info domain[PC_CIRCE_DOMAINS] = {
    [PC_CIRCE_CONDITION] =
        DOMAIN("ConditionOccurrence", "CONDITION_OCCURRENCE", PC_CIRCE_END_NEXT_DAY,
               condition_columns, condition_attributes, lasting),
    [PC_CIRCE_DRUG] = DOMAIN("DrugExposure", "DRUG_EXPOSURE", PC_CIRCE_END_SUPPLY, drug_columns,
                             drug_attributes, drug_distinct),
    [PC_CIRCE_PROCEDURE] =
        DOMAIN("ProcedureOccurrence", "PROCEDURE_OCCURRENCE", PC_CIRCE_END_ALWAYS_NEXT_DAY,
               procedure_columns, procedure_attributes, procedure_distinct),
    [PC_CIRCE_MEASUREMENT] =
        DOMAIN("Measurement", "MEASUREMENT", PC_CIRCE_END_ALWAYS_NEXT_DAY, measurement_columns,
               measurement_attributes, measurement_distinct),
    [PC_CIRCE_OBSERVATION] =
        DOMAIN("Observation", "OBSERVATION", PC_CIRCE_END_ALWAYS_NEXT_DAY, observation_columns,
               observation_attributes, observation_distinct),
    [PC_CIRCE_VISIT] = DOMAIN("VisitOccurrence", "VISIT_OCCURRENCE", PC_CIRCE_END_AS_IS,
                              visit_columns, visit_attributes, lasting),
    [PC_CIRCE_VISIT_DETAIL] = DOMAIN("VisitDetail", "VISIT_DETAIL", PC_CIRCE_END_AS_IS,
                                     detail_columns, detail_attributes, detail_distinct),
    [PC_CIRCE_DEVICE] = DOMAIN("DeviceExposure", "DEVICE_EXPOSURE", PC_CIRCE_END_NEXT_DAY,
                               device_columns, device_attributes, device_distinct),
    [PC_CIRCE_SPECIMEN] = DOMAIN("Specimen", "SPECIMEN", PC_CIRCE_END_ALWAYS_NEXT_DAY,
                                 specimen_columns, specimen_attributes, one_day),
    [PC_CIRCE_DEATH] = DOMAIN("Death", "DEATH", PC_CIRCE_END_ALWAYS_NEXT_DAY, death_columns,
                              death_attributes, one_day),
    [PC_CIRCE_CONDITION_ERA] =
        DOMAIN("ConditionEra", "CONDITION_ERA", PC_CIRCE_END_AS_IS, condition_era_columns,
               condition_era_attributes, condition_era_distinct),
    [PC_CIRCE_DRUG_ERA] = DOMAIN("DrugEra", "DRUG_ERA", PC_CIRCE_END_AS_IS, drug_era_columns,
                                 drug_era_attributes, drug_era_distinct),
    [PC_CIRCE_DOSE_ERA] = DOMAIN("DoseEra", "DOSE_ERA", PC_CIRCE_END_AS_IS, dose_era_columns,
                                 dose_era_attributes, dose_era_distinct),
    [PC_CIRCE_PERIOD] = DOMAIN("ObservationPeriod", "OBSERVATION_PERIOD", PC_CIRCE_END_AS_IS,
                               period_columns, period_attributes, lasting),
    [PC_CIRCE_PAYER] = DOMAIN("PayerPlanPeriod", "PAYER_PLAN_PERIOD", PC_CIRCE_END_AS_IS,
                              payer_columns, payer_attributes, nothing)};

const pc_circe_domain_info *pc_circe_domain_of(pc_circe_domain which)
{
    return &domain[which];
}

int pc_circe_field_of(const pc_circe_domain_info *info, const char *name)
{
    for (int i = 0; i < PC_CIRCE_COLUMN; i++) {
        if (strcmp(pseudo[i], name) == 0) return i;
    }
    for (int i = 0; i < info->column_count; i++) {
        const char *column = info->column[i].name;
        if (column != NULL && strcmp(column, name) == 0) return PC_CIRCE_COLUMN + i;
    }
    return -1;
}
