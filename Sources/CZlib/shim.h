// zlib for Swift; the initializers are macros in C and need functions here.
#pragma once
#include <string.h>
#include <zlib.h>

/// A gzip compressor of this level in `stream`, which the caller zeroed; Z_OK or zlib's error.
static inline int edge_gzip_deflate_init(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

/// A gzip decompressor in `stream`, which the caller zeroed; Z_OK or zlib's error.
static inline int edge_gzip_inflate_init(z_stream *stream) {
  return inflateInit2(stream, 15 + 16);
}
