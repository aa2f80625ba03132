/** The library state of encoding and decoding. */
#include "codec.h"
#include <zstd.h>

// What zstd's contexts are counted as: at the levels of chunk_encode.c, for a chunk of 1 MiB.
enum { COMPRESS_BYTES = 4 << 20, DECOMPRESS_BYTES = 1 << 18 };

void pc_codec_release(pc_codec *codec)
{
    if (codec == NULL) return;
    if (codec->compress != NULL) {
        ZSTD_freeCCtx(codec->compress);
        pc_budget_give(codec->budget, COMPRESS_BYTES);
    }
    if (codec->decompress != NULL) {
        ZSTD_freeDCtx(codec->decompress);
        pc_budget_give(codec->budget, DECOMPRESS_BYTES);
    }
    codec->compress = NULL;
    codec->decompress = NULL;
    pc_buffer_release(&codec->scratch);
    pc_buffer_release(&codec->scratch2);
}

pc_status pc_codec_need(pc_codec *codec, bool compresses, pc_error *err)
{
    void **context = compresses ? &codec->compress : &codec->decompress;
    if (*context != NULL) return PC_OK;
    const size_t bytes = compresses ? COMPRESS_BYTES : DECOMPRESS_BYTES;
    PC_TRY(pc_budget_take(codec->budget, bytes, err));
    *context = compresses ? (void *)ZSTD_createCCtx() : (void *)ZSTD_createDCtx();
    if (*context != NULL) return PC_OK;
    pc_budget_give(codec->budget, bytes);
    return PC_FAIL(err, PC_NO_MEMORY, "zstd: no memory for a context");
}
