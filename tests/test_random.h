/** @file test_random.h
 *  Random cases that can be repeated: a state that begins with a seed, which the test prints.
 */
#ifndef PC_TEST_RANDOM_H
#define PC_TEST_RANDOM_H
#include <stdint.h>

/** The next of a series of 64 random bits. Source: Steele, Lea, Flood, "SplitMix" (2014). */
static inline uint64_t pc_test_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/** A random number from 0 to `count` - 1. */
static inline int pc_test_below(uint64_t *state, int count)
{
    return (int)(pc_test_random(state) % (uint64_t)count);
}

#endif
