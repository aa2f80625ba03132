/** Hashes are those that existing stores were written with. */
#include <string.h>
#include "parcours/hash.h"
#include "test_main.h"

static void test_hash64_never_changes(void)
{
    CU_ASSERT_EQUAL(pc_hash64("", 0), UINT64_C(0x2d06800538d394c2)); // of the XXH3 reference
    CU_ASSERT_EQUAL(pc_hash64("a", 1), UINT64_C(0xe6c632b61e964e1f));
    CU_ASSERT_EQUAL(pc_hash64("abc", 3), UINT64_C(0x78af5f94892f3950));
}

static void test_hash128_never_changes(void)
{
    static const unsigned char none[] = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8,
                                         0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49, 0x7f};
    unsigned char out[PC_HASH128_BYTES];
    pc_hash128("", 0, out); // of the XXH3 reference
    CU_ASSERT(memcmp(out, none, sizeof out) == 0);
}

static void test_digest(void)
{
    char text[PC_DIGEST_TEXT_BYTES];
    pc_digest digest = pc_digest_of("", 0);
    pc_digest_format(&digest, text);
    CU_ASSERT_STRING_EQUAL(text,
                           "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    digest = pc_digest_of("abc", 3);
    pc_digest_format(&digest, text);
    CU_ASSERT_STRING_EQUAL(text,
                           "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void test_digest_in_pieces(void)
{
    unsigned char data[1000];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (unsigned char)(i * 7);
    }
    const pc_digest whole = pc_digest_of(data, sizeof data);
    for (size_t piece = 1; piece < 300; piece += 13) {
        pc_digest_state state;
        pc_digest_begin(&state);
        for (size_t at = 0; at < sizeof data; at += piece) {
            pc_digest_add(&state, data + at, sizeof data - at < piece ? sizeof data - at : piece);
            pc_digest_add(&state, NULL, 0);
        }
        const pc_digest same = pc_digest_end(&state);
        CU_ASSERT(memcmp(&same, &whole, sizeof same) == 0);
    }
}

static void test_fingerprints(void)
{
    unsigned char data[5000];
    char text[PC_DIGEST_TEXT_BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    pc_fingerprint_state state;
    pc_fingerprint_begin(&state);
    pc_digest whole = pc_fingerprint_end(&state);
    pc_digest_format(&whole, text); // XXH3 of the reference, then zeros
    CU_ASSERT_STRING_EQUAL(text,
                           "99aa06d3014798d86001c324468d497f00000000000000000000000000000000");
    pc_fingerprint_add(&state, data, sizeof data);
    whole = pc_fingerprint_end(&state);
    for (size_t piece = 1; piece < 3000; piece += 131) {
        pc_fingerprint_begin(&state);
        for (size_t at = 0; at < sizeof data; at += piece) {
            const size_t left = sizeof data - at;
            pc_fingerprint_add(&state, data + at, left < piece ? left : piece);
            pc_fingerprint_add(&state, NULL, 0);
        }
        const pc_digest same = pc_fingerprint_end(&state);
        CU_ASSERT(memcmp(&same, &whole, sizeof same) == 0);
    }
    data[4999] ^= 1;
    pc_fingerprint_begin(&state);
    pc_fingerprint_add(&state, data, sizeof data);
    const pc_digest other = pc_fingerprint_end(&state);
    CU_ASSERT(memcmp(&other, &whole, sizeof other) != 0);
}

PC_TEST_MAIN("hash", {"64-bit hashes never change", test_hash64_never_changes},
             {"128-bit hashes never change", test_hash128_never_changes},
             {"digests never change", test_digest}, {"digests in pieces", test_digest_in_pieces},
             {"fingerprints of files", test_fingerprints});
