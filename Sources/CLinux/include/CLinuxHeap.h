// glibc's account of the heap, which Swift's Glibc module does not show.
#ifndef SYNAPSE_EDGE_CLINUX_HEAP_H
#define SYNAPSE_EDGE_CLINUX_HEAP_H
#include <stddef.h>

/// What the C library's allocator holds, in bytes, over all arenas.
struct edge_heap {
  /// Taken from the system for arenas, given back or not.
  size_t arena;
  /// Allocated from arenas.
  size_t in_use;
  /// Free in arenas.
  size_t free;
  /// In mappings of their own, for large allocations.
  size_t mapped;
};
/// Reads the account; looks at every free piece with its arena locked, so not on a loop.
void edge_heap_read(struct edge_heap *heap);
/// Gives whole free pages back to the system; 1 when there were any. As slow as reading.
int edge_heap_trim(void);
/// Leaves giving back to `edge_heap_trim`: a free no longer shrinks the heap by itself, whichever
/// thread it is on.
void edge_heap_keep_free_pages(void);
#endif
