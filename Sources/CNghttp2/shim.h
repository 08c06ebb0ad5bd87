// libnghttp2 for Swift, with the memory that its sessions take.
#pragma once
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

// A session asks for about eight pieces of memory a request. They come from free lists that all
// sessions of one event loop share, each piece of one of a few sizes, and each session is held to a
// limit: what would exceed it fails, which nghttp2 treats as fatal to the session.

/// Pieces of 64 bytes to 4 KiB, powers of two and the sizes half-way between, their 16 bytes of
/// header included.
enum {
  EDGE_H2_SMALLEST_POWER = 6,
  EDGE_H2_SMALLEST = 1 << EDGE_H2_SMALLEST_POWER,
  EDGE_H2_CLASS_COUNT = 13,
  EDGE_H2_KEPT_PIECES = 512
};

/// The free pieces of one event loop. Confined to it.
typedef struct edge_h2_pool {
  void *free_pieces[EDGE_H2_CLASS_COUNT];
  size_t free_counts[EDGE_H2_CLASS_COUNT];
} edge_h2_pool;

/// What one session has taken. It must outlive the session.
typedef struct edge_h2_memory {
  edge_h2_pool *pool;
  size_t used_bytes;
  size_t limit_bytes;
} edge_h2_memory;

/// Stands before every piece; 16 bytes keep what follows aligned for any type.
typedef struct edge_h2_piece {
  size_t capacity;
  size_t size_class;
} edge_h2_piece;

static inline void *edge_h2_allocate(size_t size, void *user_data) {
  edge_h2_memory *memory = (edge_h2_memory *)user_data;
  if (size > ((size_t)1 << 30)) return NULL;
  size_t total = size + sizeof(edge_h2_piece);
  size_t size_class = 0;
  size_t capacity = EDGE_H2_SMALLEST;
  if (total > EDGE_H2_SMALLEST) {
    // It lies above a power of two and up to the next: half the way is a class, and the whole.
    size_t power = 63 - (size_t)__builtin_clzll(total - 1);
    size_t middle = (size_t)3 << (power - 1);
    size_class = 2 * (power - EDGE_H2_SMALLEST_POWER) + (total <= middle ? 1 : 2);
    capacity = total <= middle ? middle : (size_t)2 << power;
    if (size_class >= EDGE_H2_CLASS_COUNT) {
      size_class = EDGE_H2_CLASS_COUNT;
      capacity = total;
    }
  }
  if (memory->used_bytes + capacity > memory->limit_bytes) return NULL;
  edge_h2_piece *piece = NULL;
  if (size_class < EDGE_H2_CLASS_COUNT && memory->pool->free_pieces[size_class]) {
    piece = (edge_h2_piece *)memory->pool->free_pieces[size_class];
    // A free piece keeps the next one where its content was.
    memcpy(&memory->pool->free_pieces[size_class], piece + 1, sizeof(void *));
    memory->pool->free_counts[size_class] -= 1;
  } else {
    piece = (edge_h2_piece *)malloc(capacity);
    if (!piece) return NULL;
  }
  piece->capacity = capacity;
  piece->size_class = size_class;
  memory->used_bytes += capacity;
  return piece + 1;
}

static inline void edge_h2_release(void *content, void *user_data) {
  edge_h2_memory *memory = (edge_h2_memory *)user_data;
  if (!content) return;
  edge_h2_piece *piece = (edge_h2_piece *)content - 1;
  size_t size_class = piece->size_class;
  memory->used_bytes -= piece->capacity;
  if (size_class < EDGE_H2_CLASS_COUNT &&
      memory->pool->free_counts[size_class] < EDGE_H2_KEPT_PIECES) {
    memcpy(content, &memory->pool->free_pieces[size_class], sizeof(void *));
    memory->pool->free_pieces[size_class] = piece;
    memory->pool->free_counts[size_class] += 1;
  } else {
    free(piece);
  }
}

static inline void *edge_h2_allocate_zeroed(size_t count, size_t size, void *user_data) {
  if (size != 0 && count > ((size_t)1 << 30) / size) return NULL;
  void *content = edge_h2_allocate(count * size, user_data);
  if (content) memset(content, 0, count * size);
  return content;
}

static inline void *edge_h2_reallocate(void *content, size_t size, void *user_data) {
  if (!content) return edge_h2_allocate(size, user_data);
  size_t held = ((edge_h2_piece *)content - 1)->capacity - sizeof(edge_h2_piece);
  if (size <= held) return content;
  void *larger = edge_h2_allocate(size, user_data);
  if (!larger) return NULL;
  memcpy(larger, content, held);
  edge_h2_release(content, user_data);
  return larger;
}

/// Frees the pieces that no session holds.
static inline void edge_h2_pool_empty(edge_h2_pool *pool) {
  for (size_t size_class = 0; size_class < EDGE_H2_CLASS_COUNT; size_class++) {
    while (pool->free_pieces[size_class]) {
      edge_h2_piece *piece = (edge_h2_piece *)pool->free_pieces[size_class];
      memcpy(&pool->free_pieces[size_class], piece + 1, sizeof(void *));
      free(piece);
    }
    pool->free_counts[size_class] = 0;
  }
}

/// A server's session whose memory is `memory`'s; NULL when there is not enough.
static inline nghttp2_session *edge_h2_session_create(
    const nghttp2_session_callbacks *callbacks, void *user_data, const nghttp2_option *option,
    edge_h2_memory *memory) {
  nghttp2_mem functions = {memory, edge_h2_allocate, edge_h2_release, edge_h2_allocate_zeroed,
                           edge_h2_reallocate};
  nghttp2_session *session = NULL;
  if (nghttp2_session_server_new3(&session, callbacks, user_data, option, &functions) != 0) {
    return NULL;
  }
  return session;
}
