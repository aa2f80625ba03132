// Direct standardisation.
#include "parcours/stats.h"

void pc_standardise(const pc_standard_count *count, int classes_given, pc_standardised *out)
{
    double weights = 0, sum = 0, variance = 0, largest = 0;
    for (int i = 0; i < classes_given; i++) {
        if (count[i].population > 0) weights += count[i].weight;
    }
    for (int i = 0; i < classes_given; i++) {
        if (!(count[i].population > 0)) continue;
        const double share = count[i].weight / weights;
        const double weight = share / count[i].population;
        sum += weight * count[i].events;
        variance += weight * weight * count[i].events;
        if (weight > largest) largest = weight;
    }
    *out = (pc_standardised){.rate = sum, .interval = pc_gamma_interval(sum, variance, largest)};
}
