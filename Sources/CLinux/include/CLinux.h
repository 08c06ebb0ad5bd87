// Linux calls that Swift's Glibc module does not show, made visible.
#ifndef SYNAPSE_EDGE_CLINUX_H
#define SYNAPSE_EDGE_CLINUX_H
// No _GNU_SOURCE here: it changes fd_set, and the other C modules of the package are built without.
#include "CLinuxDisk.h"
#include "CLinuxHeap.h"
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

/// Reads only what the page cache holds; -1 with EAGAIN when the device would have to be asked.
ssize_t edge_preadv2_nowait(int descriptor, void *bytes, size_t count, off_t offset);
/// Data of an epoll_event as a plain integer (the union is awkward from Swift).
static inline uint64_t edge_epoll_data(const struct epoll_event *event) { return event->data.u64; }
static inline struct epoll_event edge_epoll_event(uint32_t events, uint64_t data) {
  struct epoll_event event;
  event.events = events;
  event.data.u64 = data;
  return event;
}
/// A non-blocking, close-on-exec eventfd; -1 with errno.
static inline int edge_eventfd_create(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
/// A close-on-exec epoll instance; -1 with errno.
static inline int edge_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
/// A non-blocking, close-on-exec socket; -1 with errno.
int edge_socket_create(int family, int type, int protocol);
/// Bytes that have ever arrived on a TCP connection, one more once its peer has closed; -1 where
/// the kernel does not tell.
int64_t edge_socket_received_bytes(int socket);
/// Has the processor fetch a line of memory; any address will do.
static inline void edge_prefetch(const void *address) { __builtin_prefetch(address); }
/// Has the calling thread come after others where the cores are busy; 0, or -1 with errno.
static inline int edge_thread_yield_to_others(void) {
  // For Linux, 0 is the calling thread; no capability is needed to come later.
  return setpriority(PRIO_PROCESS, 0, 10);
}
/// Names a running thread; the name has at most 15 bytes.
int edge_thread_set_name(unsigned long thread, const char *name);
#endif
