/** @file partition/store/codec.h
 *  The zstd contexts of encoding and decoding, made when first needed.
 */
#ifndef PC_STORE_CODEC_H
#define PC_STORE_CODEC_H
#include "chunk.h"

/** Makes `codec->compress` or `codec->decompress` unless it is there. PC_NO_MEMORY. */
pc_status pc_codec_need(pc_codec *codec, bool compresses, pc_error *err) PC_MUST_CHECK;

#endif
