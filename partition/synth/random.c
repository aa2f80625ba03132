/** Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3",
 * SC'11): ten rounds of multiply and exchange over a counter. Integers only, so the same on every
 * CPU. */
#include "synth.h"

enum { PHILOX_ROUNDS = 10, SHUFFLE_BITS = 15, SHUFFLE_ROUNDS = 4 };

static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void synth_random_start(synth_random *random, uint64_t seed, int64_t patient, uint32_t stream)
{
    random->key[0] = (uint32_t)seed;
    random->key[1] = (uint32_t)(seed >> 32);
    random->counter[0] = 0;
    random->counter[1] = stream;
    random->counter[2] = (uint32_t)patient;
    random->counter[3] = (uint32_t)((uint64_t)patient >> 32);
    random->used = 4;
}

uint32_t synth_random_next(synth_random *random)
{
    if (random->used == 4) {
        philox(random->counter, random->key, random->out);
        random->counter[0]++;
        random->used = 0;
    }
    return random->out[random->used++];
}

uint32_t synth_below(synth_random *random, uint32_t bound)
{
    return (uint32_t)((uint64_t)synth_random_next(random) * bound >> 32);
}

int synth_between(synth_random *random, int low, int high)
{
    return low + (int)synth_below(random, (uint32_t)(high - low + 1));
}

bool synth_chance(synth_random *random, uint32_t per_million)
{
    return synth_below(random, 1000000) < per_million;
}

int synth_count(synth_random *random, int64_t mean_1024)
{
    int64_t coins = mean_1024 * 2 / 1024; // each is worth a half
    const uint32_t rest = (uint32_t)(mean_1024 * 2 % 1024);
    if (synth_below(random, 1024) < rest) coins++;
    int count = 0;
    for (; coins >= 32; coins -= 32)
        count += __builtin_popcount(synth_random_next(random));
    if (coins > 0) {
        const uint32_t mask = (UINT32_C(1) << coins) - 1;
        count += __builtin_popcount(synth_random_next(random) & mask);
    }
    return count;
}

void synth_letters(synth_random *random, char *out, int count)
{
    static const char letter[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    int at = 0;
    while (at < count) {
        uint64_t bits = synth_random_next(random); // five letters of 62 fit in 32 bits
        for (int k = 0; k < 5 && at < count; k++) {
            bits *= 62;
            out[at++] = letter[bits >> 32];
            bits &= UINT32_MAX;
        }
    }
    out[count] = '\0';
}

// A Feistel network over 30 bits, walked until it falls below 10^9 again: a permutation.
uint32_t synth_shuffle9(uint32_t value, uint32_t key)
{
    const uint32_t mask = (UINT32_C(1) << SHUFFLE_BITS) - 1;
    do {
        uint32_t left = value >> SHUFFLE_BITS, right = value & mask;
        for (uint32_t round = 0; round < SHUFFLE_ROUNDS; round++) {
            uint32_t mixed = (right + key + round * 0x9E3779B9u) * 0x85EBCA6Bu;
            mixed ^= mixed >> 15;
            mixed *= 0xC2B2AE35u;
            const uint32_t next = left ^ (mixed >> 17);
            left = right;
            right = next & mask;
        }
        value = left << SHUFFLE_BITS | right;
    } while (value >= 1000000000);
    return value;
}
