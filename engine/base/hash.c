/** The hashes that stores rest on: XXH3 for spreading and checking, BLAKE2b for identity. */
#include <assert.h>
#include <blake2.h>
#include <sodium.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY // the size of XXH3's state
#include <xxhash.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h> // XXH3 by the processor's widest vectors, the same values
#endif
#include "parcours/hash.h"

static_assert(sizeof(crypto_generichash_state) <= sizeof(pc_digest_state), "state fits");
static_assert(_Alignof(crypto_generichash_state) <= _Alignof(pc_digest_state), "state is aligned");
static_assert(sizeof(XXH3_state_t) <= sizeof(pc_fingerprint_state), "state fits");
static_assert(_Alignof(XXH3_state_t) <= _Alignof(pc_fingerprint_state), "state is aligned");

uint64_t pc_hash64(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

void pc_hash128(const void *data, size_t bytes, unsigned char out[PC_HASH128_BYTES])
{
    XXH128_canonical_t canonical;
    static_assert(sizeof canonical.digest == PC_HASH128_BYTES, "all of it");
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, bytes));
    memcpy(out, canonical.digest, PC_HASH128_BYTES);
}

void pc_digest_begin(pc_digest_state *state)
{
    // Chooses the fastest code for this processor; the digest is right even if that fails.
    const int ready = sodium_init();
    (void)ready;
    (void)crypto_generichash_init((crypto_generichash_state *)(void *)state->opaque, NULL, 0,
                                  PC_DIGEST_BYTES);
}

void pc_digest_add(pc_digest_state *state, const void *data, size_t bytes)
{
    if (bytes == 0) return;
    (void)crypto_generichash_update((crypto_generichash_state *)(void *)state->opaque, data, bytes);
}

pc_digest pc_digest_end(pc_digest_state *state)
{
    pc_digest digest = {{0}};
    (void)crypto_generichash_final((crypto_generichash_state *)(void *)state->opaque, digest.byte,
                                   PC_DIGEST_BYTES);
    return digest;
}

pc_digest pc_digest_of(const void *data, size_t bytes)
{
    pc_digest_state state;
    pc_digest_begin(&state);
    pc_digest_add(&state, data, bytes);
    return pc_digest_end(&state);
}

uint64_t pc_blake2b_64(const void *data, size_t bytes)
{
    unsigned char digest[8] = {0};
    (void)blake2b(digest, data, NULL, sizeof digest, bytes, 0);
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof digest; i++)
        number = number << 8 | digest[i];
    return number;
}

void pc_digest_format(const pc_digest *digest, char out[PC_DIGEST_TEXT_BYTES])
{
    static const char figure[] = "0123456789abcdef";
    for (int i = 0; i < PC_DIGEST_BYTES; i++) {
        out[2 * i] = figure[digest->byte[i] >> 4];
        out[2 * i + 1] = figure[digest->byte[i] & 15];
    }
    out[PC_DIGEST_TEXT_BYTES - 1] = '\0';
}

void pc_fingerprint_begin(pc_fingerprint_state *state)
{
    memset(state, 0, sizeof *state); // XXH3_INITSTATE: a reset looks at what is there
    (void)XXH3_128bits_reset((XXH3_state_t *)(void *)state->opaque);
}

void pc_fingerprint_add(pc_fingerprint_state *state, const void *data, size_t bytes)
{
    if (bytes == 0) return;
    (void)XXH3_128bits_update((XXH3_state_t *)(void *)state->opaque, data, bytes);
}

pc_digest pc_fingerprint_end(const pc_fingerprint_state *state)
{
    pc_digest digest = {{0}};
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(
        &bytes, XXH3_128bits_digest((const XXH3_state_t *)(const void *)state->opaque));
    static_assert(sizeof bytes.digest <= sizeof digest.byte, "a digest holds it");
    memcpy(digest.byte, bytes.digest, sizeof bytes.digest);
    return digest;
}
