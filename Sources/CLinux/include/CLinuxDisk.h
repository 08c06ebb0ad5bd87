// File calls of the disk tier that Swift's Glibc module shows awkwardly or not at all.
#ifndef SYNAPSE_EDGE_CLINUX_DISK_H
#define SYNAPSE_EDGE_CLINUX_DISK_H
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

/// Opens a file, always close-on-exec, with mode 0600 when it is created; -1 and errno on failure.
static inline int edge_open(const char *path, int flags) {
  return open(path, flags | O_CLOEXEC, 0600);
}
/// Takes an exclusive lock without waiting; -1 with EWOULDBLOCK when another process holds it.
static inline int edge_lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }
#endif
