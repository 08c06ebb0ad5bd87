// AES-256-GCM by the BoringSSL that comes with SwiftNIO SSL. A target of its own, since that
// library's headers and OpenSSL's, which libcrypto is used by, cannot both be seen by one file.

#ifndef CAESGCM_H
#define CAESGCM_H

#include <stddef.h>
#include <stdint.h>

/// A key, expanded. All threads may use it at once.
struct edge_aesgcm;

/// Expands a key of 32 bytes; NULL when there is no memory.
struct edge_aesgcm *_Nullable edge_aesgcm_create(const uint8_t *_Nonnull key);

/// Wipes the key and frees it.
void edge_aesgcm_destroy(struct edge_aesgcm *_Nonnull cipher);

/// Seals `count` bytes from `message` into `target`, which is the same memory or none of it, and
/// writes the tag of 16 bytes. The nonce has 12. Returns 1, or 0 when a length is beyond what the
/// algorithm allows.
int edge_aesgcm_seal(
    const struct edge_aesgcm *_Nonnull cipher, const uint8_t *_Nonnull nonce,
    const uint8_t *_Nullable associated, size_t associated_count,
    const uint8_t *_Nullable message, size_t count, uint8_t *_Nullable target,
    uint8_t *_Nonnull tag);

/// Opens what ``edge_aesgcm_seal`` sealed. Returns 1, or 0 when it does not verify; then `target`
/// must not be used.
int edge_aesgcm_open(
    const struct edge_aesgcm *_Nonnull cipher, const uint8_t *_Nonnull nonce,
    const uint8_t *_Nullable associated, size_t associated_count,
    const uint8_t *_Nullable message, size_t count, uint8_t *_Nullable target,
    const uint8_t *_Nonnull tag);

#endif
