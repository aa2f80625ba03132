// The European Standard Population of 2013 (Eurostat, "Revision of the European Standard
// Population", 2013), of 100,000 people; the same for both sexes.
#include "parcours/stats.h"

static const struct {
    int first_age;
    int people;
} classes[PC_STANDARD_CLASSES] = {
    {0, 1000},  {1, 4000},  {5, 5500},  {10, 5500}, {15, 5500}, {20, 6000}, {25, 6000},
    {30, 6500}, {35, 7000}, {40, 7000}, {45, 7000}, {50, 7000}, {55, 6500}, {60, 6000},
    {65, 5500}, {70, 5000}, {75, 4000}, {80, 2500}, {85, 1500}, {90, 800},  {95, 200}};

int pc_standard_class(int64_t age)
{
    if (age < 0) return -1;
    int found = 0;
    for (int i = 1; i < PC_STANDARD_CLASSES; i++) {
        if (age >= classes[i].first_age) found = i;
    }
    return found;
}

double pc_standard_weight(int age_class)
{
    return classes[age_class].people / 100000.0;
}

void pc_standardise(const pc_standard_count *count, int classes_given, pc_standardised *out)
{
    double weights = 0, sum = 0, variance = 0, largest = 0;
    for (int i = 0; i < classes_given; i++) {
        if (count[i].population > 0) weights += pc_standard_weight(count[i].age_class);
    }
    for (int i = 0; i < classes_given; i++) {
        if (!(count[i].population > 0)) continue;
        const double share = pc_standard_weight(count[i].age_class) / weights;
        const double weight = share / count[i].population;
        sum += weight * count[i].events;
        variance += weight * weight * count[i].events;
        if (weight > largest) largest = weight;
    }
    *out = (pc_standardised){.rate = sum, .interval = pc_gamma_interval(sum, variance, largest)};
}
