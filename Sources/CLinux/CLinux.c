#define _GNU_SOURCE
#include "CLinux.h"
#include <pthread.h>
#include <sys/socket.h>

ssize_t edge_preadv2_nowait(int descriptor, void *bytes, size_t count, off_t offset) {
  struct iovec vector = {.iov_base = bytes, .iov_len = count};
  return preadv2(descriptor, &vector, 1, offset, RWF_NOWAIT);
}

int edge_socket_create(int family, int type, int protocol) {
  return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

int edge_thread_set_name(unsigned long thread, const char *name) {
  return pthread_setname_np(thread, name);
}
