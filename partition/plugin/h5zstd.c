/** The zstd filter of HDF5, number 32015, for other tools: h5dump, h5py, R. Set HDF5_PLUGIN_PATH to
 *  the folder of this library. The engine has the same code inside and never loads a plugin. Memory
 *  is libhdf5's own, since libhdf5 frees what a filter returns. */
#include <H5PLextern.h>
#include <hdf5.h>
#include <zstd.h>

enum { ZSTD_FILTER = 32015, DEFAULT_LEVEL = 3 };
// The most that a chunk expands to: HDF5's own limit is 4 GiB.
static const unsigned long long MOST_BYTES = 0xFFFFFFFFULL;

static size_t replace(void **buffer, size_t *buffer_bytes, void *by, size_t by_bytes, size_t used)
{
    H5free_memory(*buffer);
    *buffer = by;
    *buffer_bytes = by_bytes;
    return used;
}

static size_t expand(size_t bytes, size_t *buffer_bytes, void **buffer)
{
    const unsigned long long size = ZSTD_getFrameContentSize(*buffer, bytes);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > MOST_BYTES) {
        return 0;
    }
    void *out = H5allocate_memory((size_t)size + 1, 0);
    if (out == NULL) return 0;
    const size_t got = ZSTD_decompress(out, (size_t)size, *buffer, bytes);
    if (ZSTD_isError(got)) {
        H5free_memory(out);
        return 0;
    }
    return replace(buffer, buffer_bytes, out, (size_t)size, got);
}

static size_t shrink(int level, size_t bytes, size_t *buffer_bytes, void **buffer)
{
    const size_t bound = ZSTD_compressBound(bytes);
    void *out = H5allocate_memory(bound, 0);
    if (out == NULL) return 0;
    const size_t got = ZSTD_compress(out, bound, *buffer, bytes, level);
    if (ZSTD_isError(got)) {
        H5free_memory(out);
        return 0;
    }
    return replace(buffer, buffer_bytes, out, bound, got);
}

static size_t filter(unsigned flags, size_t value_count, const unsigned *value, size_t bytes,
                     size_t *buffer_bytes, void **buffer)
{
    if ((flags & H5Z_FLAG_REVERSE) != 0) return expand(bytes, buffer_bytes, buffer);
    return shrink(value_count > 0 ? (int)value[0] : DEFAULT_LEVEL, bytes, buffer_bytes, buffer);
}

H5PL_type_t H5PLget_plugin_type(void)
{
    return H5PL_TYPE_FILTER;
}

const void *H5PLget_plugin_info(void)
{
    static const H5Z_class2_t info = {H5Z_CLASS_T_VERS,
                                      ZSTD_FILTER,
                                      1,
                                      1,
                                      "zstd (https://facebook.github.io/zstd)",
                                      NULL,
                                      NULL,
                                      filter};
    return &info;
}
