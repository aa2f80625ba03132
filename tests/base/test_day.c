/** Days against a calendar that is walked day by day. */
#include <stdio.h>
#include <string.h>
#include "parcours/text.h"
#include "test_main.h"

static bool leap(int year)
{
    return year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
}

static int last_day(int year, int month)
{
    if (month == 2) return leap(year) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// From 0001-01-01 (day -719162, a Monday) to 2400, each day once.
static void test_every_day(void)
{
    int year = 1;
    int month = 1;
    int day = 1;
    int wrong = 0;
    for (int32_t number = -719162; year <= 2400; number++) {
        int y;
        int m;
        int d;
        pc_day_split(number, &y, &m, &d);
        wrong += y != year || m != month || d != day || pc_day_of(year, month, day) != number;
        if (++day > last_day(year, month)) {
            wrong += pc_date_is_valid(year, month, day);
            day = 1;
            if (++month > 12) {
                month = 1;
                year++;
            }
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(pc_day_of(1970, 1, 1), 0);
    CU_ASSERT_FALSE(pc_date_is_valid(2019, 2, 29));
    CU_ASSERT_FALSE(pc_date_is_valid(2019, 0, 1));
    CU_ASSERT_FALSE(pc_date_is_valid(2019, 13, 1));
    CU_ASSERT_FALSE(pc_date_is_valid(2019, 1, 0));
}

// The twin counts Mondays from 1 January on: ISO 8601 puts 4 January in week 1.
static void test_iso_weeks(void)
{
    int wrong = 0;
    for (int year = 1900; year < 2101; year++) {
        const int32_t fourth = pc_day_of(year, 1, 4);
        const int32_t monday = fourth - ((fourth + 3) % 7 + 7) % 7; // of week 1
        const int32_t next_fourth = pc_day_of(year + 1, 1, 4);
        const int32_t next_monday = next_fourth - ((next_fourth + 3) % 7 + 7) % 7;
        for (int32_t day = monday; day < next_monday; day++) {
            wrong += pc_day_iso_week(day) != (day - monday) / 7 + 1;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(pc_day_iso_week(pc_day_of(2021, 1, 3)), 53);
    CU_ASSERT_EQUAL(pc_day_iso_week(pc_day_of(2020, 12, 31)), 53);
}

static void check_months(const char *from, int months, const char *to)
{
    int32_t day = 0;
    char text[16];
    CU_ASSERT_TRUE(pc_day_parse(pc_span_of(from), &day));
    (void)pc_day_format(pc_day_add_months(day, months), text);
    CU_ASSERT_STRING_EQUAL(text, to);
}

static void test_adding_months(void)
{
    check_months("2020-01-31", 1, "2020-02-29");
    check_months("2019-01-31", 1, "2019-02-28");
    check_months("2020-02-29", 12, "2021-02-28");
    check_months("2020-03-31", -1, "2020-02-29");
    check_months("2020-01-15", -1, "2019-12-15");
    check_months("2020-01-15", -13, "2018-12-15");
    check_months("2020-12-31", 2, "2021-02-28");
    check_months("2020-05-31", 0, "2020-05-31");
}

static void test_ages(void)
{
    const int32_t leap_day = pc_day_of(2000, 2, 29);
    CU_ASSERT_EQUAL(pc_age_on(leap_day, pc_day_of(2001, 2, 27)), 0);
    CU_ASSERT_EQUAL(pc_age_on(leap_day, pc_day_of(2001, 2, 28)), 1);
    CU_ASSERT_EQUAL(pc_age_on(leap_day, pc_day_of(2004, 2, 28)), 3);
    CU_ASSERT_EQUAL(pc_age_on(leap_day, pc_day_of(2004, 2, 29)), 4);
    CU_ASSERT_EQUAL(pc_age_on(pc_day_of(1950, 7, 1), pc_day_of(2020, 6, 30)), 69);
    CU_ASSERT_EQUAL(pc_age_on(pc_day_of(1950, 7, 1), pc_day_of(2020, 7, 1)), 70);
    CU_ASSERT_EQUAL(pc_age_on(pc_day_of(1950, 7, 1), pc_day_of(1950, 7, 1)), 0);
}

static void test_text_of_days(void)
{
    static const char *const bad[] = {"",           "2019-02-29", "2019-2-01",   "2019/02/01",
                                      "0000-01-01", "2019-13-01", "2019-00-10",  "2019-01-32",
                                      "+019-01-01", "2019-01-0a", "2019-01-011", "31/02/2019"};
    int32_t day = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_FALSE(pc_day_parse(pc_span_of(bad[i]), &day));
    }
    int wrong = 0;
    for (int32_t number = -719162; number <= 2932896; number += 13) {
        char text[16];
        char twin[48];
        int year;
        int month;
        int day_of_month;
        pc_day_split(number, &year, &month, &day_of_month);
        (void)snprintf(twin, sizeof twin, "%04d-%02d-%02d", year, month, day_of_month);
        wrong += pc_day_format(number, text) != 10 || strcmp(text, twin) != 0;
        wrong += !pc_day_parse(pc_span_of(text), &day) || day != number;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    char text[16];
    CU_ASSERT_EQUAL(pc_day_format(INT32_MIN, text), 14);
    CU_ASSERT_STRING_EQUAL(text, "-5877641-06-23");
    CU_ASSERT_EQUAL(pc_day_format(INT32_MAX, text), 13);
    CU_ASSERT_STRING_EQUAL(text, "5881580-07-11");
}

PC_TEST_MAIN("day", {"every day of 2400 years", test_every_day}, {"ISO weeks", test_iso_weeks},
             {"adding months", test_adding_months}, {"ages", test_ages},
             {"days as text", test_text_of_days});
