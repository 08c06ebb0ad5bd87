#include "CAESGCM.h"

#include <CNIOBoringSSL_aead.h>

#define KEY_BYTES 32
#define NONCE_BYTES 12
#define TAG_BYTES 16

// An edge_aesgcm is the library's context under a name of ours.

struct edge_aesgcm *edge_aesgcm_create(const uint8_t *key)
{
    return (struct edge_aesgcm *)EVP_AEAD_CTX_new(
        EVP_aead_aes_256_gcm(), key, KEY_BYTES, TAG_BYTES);
}

void edge_aesgcm_destroy(struct edge_aesgcm *cipher)
{
    EVP_AEAD_CTX_free((EVP_AEAD_CTX *)cipher);
}

int edge_aesgcm_seal(
    const struct edge_aesgcm *cipher, const uint8_t *nonce, const uint8_t *associated,
    size_t associated_count, const uint8_t *message, size_t count, uint8_t *target, uint8_t *tag)
{
    size_t tag_count = 0;
    int sealed = EVP_AEAD_CTX_seal_scatter(
        (const EVP_AEAD_CTX *)cipher, target, tag, &tag_count, TAG_BYTES, nonce, NONCE_BYTES,
        message, count, NULL, 0, associated, associated_count);
    return sealed && tag_count == TAG_BYTES;
}

int edge_aesgcm_open(
    const struct edge_aesgcm *cipher, const uint8_t *nonce, const uint8_t *associated,
    size_t associated_count, const uint8_t *message, size_t count, uint8_t *target,
    const uint8_t *tag)
{
    return EVP_AEAD_CTX_open_gather(
        (const EVP_AEAD_CTX *)cipher, target, nonce, NONCE_BYTES, message, count, tag, TAG_BYTES,
        associated, associated_count);
}
