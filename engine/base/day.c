/** Days and dates of the proleptic Gregorian calendar.
 *  Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
#include <stdio.h>
#include "parcours/text.h"

enum {
    DAYS_OF_400_YEARS = 146097,
    DAYS_TO_1970 = 719468
}; // from 0000-03-01, where his year begins

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

int32_t pc_day_of(int year, int month, int day)
{
    const int64_t y = (int64_t)year - (month <= 2);
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * DAYS_OF_400_YEARS + day_of_era - DAYS_TO_1970);
}

void pc_day_split(int32_t day, int *year, int *month, int *day_of_month)
{
    const int64_t z = (int64_t)day + DAYS_TO_1970;
    const int64_t era = (z >= 0 ? z : z - (DAYS_OF_400_YEARS - 1)) / DAYS_OF_400_YEARS;
    const int64_t day_of_era = z - era * DAYS_OF_400_YEARS;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t march_month = (5 * day_of_year + 2) / 153;
    const int64_t m = march_month < 10 ? march_month + 3 : march_month - 9;
    *year = (int)(year_of_era + era * 400 + (m <= 2));
    *month = (int)m;
    *day_of_month = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
}

bool pc_date_is_valid(int year, int month, int day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= month_days(year, month);
}

int32_t pc_day_add_months(int32_t day, int months)
{
    int year;
    int month;
    int day_of_month;
    pc_day_split(day, &year, &month, &day_of_month);
    const int64_t count = (int64_t)year * 12 + (month - 1) + months;
    const int64_t new_year = (count >= 0 ? count : count - 11) / 12;
    const int new_month = (int)(count - new_year * 12) + 1;
    const int last = month_days((int)new_year, new_month);
    return pc_day_of((int)new_year, new_month, day_of_month < last ? day_of_month : last);
}

int pc_day_iso_week(int32_t day)
{
    // A week belongs to the year of its Thursday. Day 0 was a Thursday.
    const int64_t from_monday = (((int64_t)day + 3) % 7 + 7) % 7;
    const int64_t thursday = (int64_t)day - from_monday + 3;
    int year;
    int month;
    int day_of_month;
    pc_day_split((int32_t)thursday, &year, &month, &day_of_month);
    return (int)((thursday - pc_day_of(year, 1, 1)) / 7) + 1;
}

int pc_age_on(int32_t birth, int32_t day)
{
    int birth_year;
    int birth_month;
    int birth_day;
    int year;
    int month;
    int day_of_month;
    pc_day_split(birth, &birth_year, &birth_month, &birth_day);
    pc_day_split(day, &year, &month, &day_of_month);
    if (birth_month == 2 && birth_day == 29 && !is_leap(year)) birth_day = 28;
    const bool before = month < birth_month || (month == birth_month && day_of_month < birth_day);
    return year - birth_year - (before ? 1 : 0);
}

// Reads `count` digits; -1 when one is not a digit.
static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

bool pc_day_parse(pc_span text, int32_t *day)
{
    if (text.bytes != 10 || text.data[4] != '-' || text.data[7] != '-') return false;
    const int year = digits(text.data, 4);
    const int month = digits(text.data + 5, 2);
    const int day_of_month = digits(text.data + 8, 2);
    if (year < 1 || !pc_date_is_valid(year, month, day_of_month)) return false;
    *day = pc_day_of(year, month, day_of_month);
    return true;
}

static void put_two(char *out, int value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

int pc_day_format(int32_t day, char *out)
{
    int year;
    int month;
    int day_of_month;
    pc_day_split(day, &year, &month, &day_of_month);
    if (year < 0 || year > 9999) {
        return snprintf(out, 16, "%04d-%02d-%02d", year, month, day_of_month);
    }
    put_two(out, year / 100);
    put_two(out + 2, year % 100);
    out[4] = '-';
    put_two(out + 5, month);
    out[7] = '-';
    put_two(out + 8, day_of_month);
    out[10] = '\0';
    return 10;
}
