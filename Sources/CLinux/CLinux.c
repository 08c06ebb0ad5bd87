#define _GNU_SOURCE
#include "CLinux.h"
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>

ssize_t edge_preadv2_nowait(int descriptor, void *bytes, size_t count, off_t offset) {
  struct iovec vector = {.iov_base = bytes, .iov_len = count};
  return preadv2(descriptor, &vector, 1, offset, RWF_NOWAIT);
}

int edge_socket_create(int family, int type, int protocol) {
  return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

int64_t edge_socket_received_bytes(int socket) {
  struct tcp_info info;
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -1;
  const size_t needed = offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
  return size >= needed ? (int64_t)info.tcpi_bytes_received : -1;
}

int edge_thread_set_name(unsigned long thread, const char *name) {
  return pthread_setname_np(thread, name);
}

void edge_heap_read(struct edge_heap *heap) {
  struct mallinfo2 info = mallinfo2();
  heap->arena = info.arena;
  heap->in_use = info.uordblks;
  heap->free = info.fordblks;
  heap->mapped = info.hblkhd;
}

int edge_heap_trim(void) { return malloc_trim(0); }

void edge_heap_keep_free_pages(void) {
  // Setting one of the two stops glibc from moving both; 32 MiB is the most it would move to.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
}
