#include "CLinux.h"

ssize_t edge_preadv2_nowait(int descriptor, void *bytes, size_t count, off_t offset) {
  struct iovec vector = {.iov_base = bytes, .iov_len = count};
  return preadv2(descriptor, &vector, 1, offset, RWF_NOWAIT);
}
