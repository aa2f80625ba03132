/** @file parcours/hash.h
 *  The hashes that files and results rest on. Their values never change: stores depend on them.
 */
#ifndef PC_HASH_H
#define PC_HASH_H
#include <stddef.h>
#include <stdint.h>

/** 64 bits (XXH3, seed 0). Places slots, spreads keys, checks chunks. Not against an adversary. */
uint64_t pc_hash64(const void *data, size_t bytes);

enum { PC_HASH128_BYTES = 16 };
/** 128 bits (XXH3, seed 0), most significant byte first. Stands for a longer key where what it
 *  leads to is compared in full later. Not against an adversary. */
void pc_hash128(const void *data, size_t bytes, unsigned char out[PC_HASH128_BYTES]);

enum { PC_DIGEST_BYTES = 32, PC_DIGEST_TEXT_BYTES = 2 * PC_DIGEST_BYTES + 1 };

/** BLAKE2b-256 of files and manifests (libsodium). Against an adversary. */
typedef struct pc_digest {
    unsigned char byte[PC_DIGEST_BYTES];
} pc_digest;

typedef struct pc_digest_state {
    _Alignas(64) unsigned char opaque[512]; ///< libsodium's state
} pc_digest_state;

void pc_digest_begin(pc_digest_state *state);
void pc_digest_add(pc_digest_state *state, const void *data, size_t bytes);
pc_digest pc_digest_end(pc_digest_state *state);
pc_digest pc_digest_of(const void *data, size_t bytes);
/** Writes 64 hexadecimal digits and NUL. */
void pc_digest_format(const pc_digest *digest, char out[PC_DIGEST_TEXT_BYTES]);

/** BLAKE2b with a digest of 64 bits (libb2: libsodium has none below 128), read as one big-endian
 *  number. Draws controls: the same for ever. */
uint64_t pc_blake2b_64(const void *data, size_t bytes);

/** Recognises the contents of a delivered file: XXH3 of 128 bits, in the first half of a digest. As
 *  sure as BLAKE2b unless somebody makes two files alike on purpose, and twenty times as fast. */
typedef struct pc_fingerprint_state {
    _Alignas(64) unsigned char opaque[640]; ///< xxHash's state
} pc_fingerprint_state;

void pc_fingerprint_begin(pc_fingerprint_state *state);
void pc_fingerprint_add(pc_fingerprint_state *state, const void *data, size_t bytes);
pc_digest pc_fingerprint_end(const pc_fingerprint_state *state);

#endif
