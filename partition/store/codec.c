/** The library state of encoding and decoding. */
#include "codec.h"
#include <zstd.h>

enum { CONTEXT_BYTES = 1 << 20 }; // what a zstd context is counted as

void pc_codec_release(pc_codec *codec)
{
    if (codec == NULL) return;
    if (codec->compress != NULL) {
        ZSTD_freeCCtx(codec->compress);
        pc_budget_give(codec->budget, CONTEXT_BYTES);
    }
    if (codec->decompress != NULL) {
        ZSTD_freeDCtx(codec->decompress);
        pc_budget_give(codec->budget, CONTEXT_BYTES);
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
    PC_TRY(pc_budget_take(codec->budget, CONTEXT_BYTES, err));
    *context = compresses ? (void *)ZSTD_createCCtx() : (void *)ZSTD_createDCtx();
    if (*context != NULL) return PC_OK;
    pc_budget_give(codec->budget, CONTEXT_BYTES);
    return PC_FAIL(err, PC_NO_MEMORY, "zstd: no memory for a context");
}
