/** The pieces of the CSV reader against slow twins: index, ends of records, numbers, dates, UTF-8.
 */
#include <stdio.h>
#include <string.h>
#include "partition/csv_private.h"
#include "test_main.h"
#include "test_random.h"

enum { SEED = 4711, TEXT_BYTES = 400 };

static void random_text(uint64_t *random, char *text, size_t bytes)
{
    static const char letters[] = "ab;;;\"\"\n\n\r\t 01.,-\xc3\xa9\xff\x01";
    memset(text, 0, bytes + CSV_PADDING);
    for (size_t i = 0; i < bytes; i++)
        text[i] = letters[pc_test_below(random, sizeof letters)];
}

static void test_index(void)
{
    char text[TEXT_BYTES + CSV_PADDING];
    uint32_t index[TEXT_BYTES];
    uint64_t random = SEED;
    int wrong = 0;
    (void)printf("seed %d ", SEED);
    for (int round = 0; round < 500; round++) {
        const size_t bytes = (size_t)pc_test_below(&random, TEXT_BYTES);
        size_t want = 0;
        random_text(&random, text, bytes);
        memset(text + bytes, ';', CSV_PADDING); // what stands behind the text does not count
        const size_t count = csv_index(text, bytes, ';', index);
        for (size_t i = 0; i < bytes; i++) {
            if (text[i] != ';' && text[i] != '"' && (unsigned char)text[i] >= 32) continue;
            wrong += want >= count || index[want] != i;
            want++;
        }
        wrong += want != count;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

// The twin: one state, one byte at a time, fields copied out.
static int slow_split(const char *record, size_t bytes, char field[][TEXT_BYTES], int room)
{
    enum { START, PLAIN, QUOTED, SHUT } state = START;
    int count = 0;
    size_t length = 0;
    for (size_t i = 0; i <= bytes; i++) {
        const bool ends = i == bytes || (record[i] == ';' && state != QUOTED);
        if (ends) {
            if (count < room) field[count][length] = '\0';
            count++;
            length = 0;
            state = START;
        } else if (record[i] == '"' && state == START) {
            state = QUOTED;
        } else if (record[i] == '"' && state == QUOTED) {
            state = SHUT;
        } else if (state == SHUT && record[i] != '"') {
            return -1;
        } else {
            if (state == SHUT) state = QUOTED;
            if (state == START) state = PLAIN;
            if (count < room) field[count][length] = record[i];
            length++;
        }
    }
    return count;
}

static void test_split(void)
{
    enum { ROOM = 8 };
    static char want[ROOM][TEXT_BYTES];
    char text[TEXT_BYTES + CSV_PADDING];
    char scratch[TEXT_BYTES + CSV_PADDING];
    uint64_t random = SEED + 1;
    int wrong = 0;
    int split = 0;
    for (int round = 0; round < 20000; round++) {
        pc_span field[ROOM];
        size_t bytes = (size_t)pc_test_below(&random, 24);
        random_text(&random, text, bytes);
        for (size_t i = 0; i < bytes; i++)
            text[i] = text[i] == '\0' ? 'x' : text[i];
        size_t end = 0;
        if (csv_find_end(text, bytes, true, ';', true, &end) != CSV_END_FILE) continue;
        const int count = csv_split(text, bytes, ';', scratch, field, ROOM);
        wrong += count != slow_split(text, bytes, want, ROOM);
        for (int i = 0; i < count && i < ROOM; i++) {
            wrong += !pc_span_equal(field[i], pc_span_of(want[i]));
        }
        split++;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(split > 1000);
}

// A record that is cut anywhere by the window's end is not known, or known as it is.
static void test_ends(void)
{
    char text[TEXT_BYTES + CSV_PADDING];
    uint64_t random = SEED + 2;
    int wrong = 0;
    for (int round = 0; round < 2000; round++) {
        const bool multiline = pc_test_below(&random, 2) == 0;
        size_t whole = 0;
        random_text(&random, text, 40);
        const csv_end end = csv_find_end(text, 40, true, ';', multiline, &whole);
        for (size_t cut = 0; cut < 40; cut++) {
            size_t part = 0;
            const csv_end seen = csv_find_end(text, cut, false, ';', multiline, &part);
            if (seen == CSV_END_UNKNOWN) {
                wrong += end == CSV_END_LINE && cut > whole;
            } else {
                wrong += seen != end || part != whole || cut <= whole;
            }
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_dates(void)
{
    static const char *const month_name[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                             "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
    int wrong = 0;
    for (int32_t want = pc_day_of(1599, 12, 1); want < pc_day_of(2400, 3, 1); want += 3) {
        char text[5][32];
        int year;
        int month;
        int day;
        pc_day_split(want, &year, &month, &day);
        (void)snprintf(text[0], 32, "%04d-%02d-%02d", year, month, day);
        (void)snprintf(text[1], 32, "%02d/%02d/%04d 12:34:56", day, month, year);
        (void)snprintf(text[2], 32, "%02d%s%04d:00:00:00", day, month_name[month - 1], year);
        (void)snprintf(text[3], 32, "%02d%02d%04d", day, month, year);
        (void)snprintf(text[4], 32, "%04d%02d%02d", year, month, day);
        static const pc_date_format format[] = {PC_DATE_ANY, PC_DATE_DDMMYYYY, PC_DATE_YYYYMMDD};
        for (int i = 0; i < 5; i++) {
            int32_t got = 0;
            wrong += !csv_parse_date(pc_span_of(text[i]), format[i < 3 ? 0 : i - 2], &got) ||
                     got != want;
        }
        int32_t none;
        wrong += csv_parse_date(pc_span_of(text[4]), PC_DATE_ANY, &none);
    }
    for (int year = 1999; year <= 2004; year++) {
        for (int month = 0; month <= 13; month++) {
            for (int day = 0; day <= 32; day++) {
                char text[32];
                int32_t got;
                (void)snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
                wrong += csv_parse_date(pc_span_of(text), PC_DATE_ANY, &got) !=
                         pc_date_is_valid(year, month, day);
            }
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_decimals(void)
{
    static const char letters[] = "0123456789005.,-+ e";
    uint64_t random = SEED + 3;
    int wrong = 0;
    int good = 0;
    for (int round = 0; round < 200000; round++) {
        char text[16] = {0};
        const int bytes = 1 + pc_test_below(&random, 9);
        const int scale = pc_test_below(&random, 4);
        int64_t got = 0;
        int64_t want = 0;
        for (int i = 0; i < bytes; i++) {
            text[i] = letters[pc_test_below(&random, i == 0 || round % 2 == 0 ? 19 : 13)];
        }
        // The twin knows one decimal mark, and wants digits on both sides of it.
        char plain[32];
        const char *digits = strspn(text, "+-") > 0 ? text + 1 : text;
        for (char *c = text; *c != '\0'; c++)
            *c = *c == ',' ? '.' : *c;
        (void)snprintf(plain, sizeof plain, "%.*s%s%s%s", (int)(digits - text), text,
                       digits[0] == '.' && digits[1] != '\0' ? "0" : "", digits,
                       digits[0] != '\0' && digits[0] != '.' && text[bytes - 1] == '.' ? "0" : "");
        const bool is_number = pc_decimal_parse(pc_span_of(plain), scale, '.', &want);
        const csv_parsed parsed = csv_parse_decimal(pc_span_of(text), 18, scale, &got);
        wrong += is_number != (parsed == CSV_GOOD) || (is_number && got != want);
        good += is_number;
        const csv_parsed as_int = csv_parse_int(pc_span_of(text), 18, &got);
        const bool is_int = pc_decimal_parse(pc_span_of(plain), 0, '.', &want);
        wrong += is_int != (as_int == CSV_GOOD) || (is_int && got != want);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(good > 20000);
}

static void test_utf8(void)
{
    static const char *const yes[] = {"",
                                      "abc",
                                      "\xc2\x80",
                                      "\xdf\xbf",
                                      "\xe0\xa0\x80",
                                      "\xed\x9f\xbf",
                                      "\xef\xbf\xbf",
                                      "\xf0\x90\x80\x80",
                                      "\xf4\x8f\xbf\xbf"};
    static const char *const no[] = {"\x80",
                                     "\xc0\xaf",
                                     "\xc1\xbf",
                                     "\xc3",
                                     "\xe0\x9f\xbf",
                                     "\xe2\x82",
                                     "\xed\xa0\x80",
                                     "\xf0\x8f\xbf\xbf",
                                     "\xf4\x90\x80\x80",
                                     "\xf5\x80\x80\x80",
                                     "\xff",
                                     "a\xe9\x62"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        CU_ASSERT(csv_is_utf8(pc_span_of(yes[i])));
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        CU_ASSERT(!csv_is_utf8(pc_span_of(no[i])));
        CU_ASSERT(!csv_is_ascii(pc_span_of(no[i])));
    }
    for (int c = 1; c < 256; c++) {
        const char latin1 = (char)c;
        char utf8[2];
        const size_t bytes = csv_latin1_to_utf8((pc_span){&latin1, 1}, utf8);
        CU_ASSERT(csv_is_utf8((pc_span){utf8, bytes}));
        CU_ASSERT_EQUAL(bytes, c < 128 ? 1 : 2);
    }
}

PC_TEST_MAIN("csv_parts", {"the index against a loop over bytes", test_index},
             {"fields of quoted records", test_split}, {"records cut by a window", test_ends},
             {"every third day of 800 years", test_dates}, {"decimals and integers", test_decimals},
             {"UTF-8 and Latin-1", test_utf8});
