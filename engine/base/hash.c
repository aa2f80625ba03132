/** The hashes that stores rest on: XXH3 for spreading and checking, BLAKE2b for identity. */
#include <assert.h>
#include <sodium.h>
#include <xxhash.h>
#include "parcours/hash.h"

static_assert(sizeof(crypto_generichash_state) <= sizeof(pc_digest_state), "state fits");
static_assert(_Alignof(crypto_generichash_state) <= _Alignof(pc_digest_state), "state is aligned");

uint64_t pc_hash64(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
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

void pc_digest_format(const pc_digest *digest, char out[PC_DIGEST_TEXT_BYTES])
{
    static const char figure[] = "0123456789abcdef";
    for (int i = 0; i < PC_DIGEST_BYTES; i++) {
        out[2 * i] = figure[digest->byte[i] >> 4];
        out[2 * i + 1] = figure[digest->byte[i] & 15];
    }
    out[PC_DIGEST_TEXT_BYTES - 1] = '\0';
}
