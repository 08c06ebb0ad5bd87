// Linux calls that Swift's Glibc module does not show, made visible.
#ifndef SYNAPSE_EDGE_CLINUX_H
#define SYNAPSE_EDGE_CLINUX_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
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
#endif
