// libcrypto for Swift: the EVP interfaces (AEAD, digests, HMAC, key derivation, scrypt) and random bytes.
#pragma once
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

// Parameter lists keep pointers to their names, which must outlive the call that makes them: here
// they are C literals, in Swift they would be temporary.

// Begins an HMAC-SHA-256; key may be NULL only with count 0. Returns 1 on success.
static inline int edge_hmac_sha256_init(
    EVP_MAC_CTX *context, const unsigned char *key, size_t count) {
  char digest[] = "SHA256";
  unsigned char none = 0;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_init(context, count == 0 ? &none : key, count, parameters);
}

// HKDF with SHA-256 into target; salt and info may have count 0. Returns 1 on success.
static inline int edge_hkdf_sha256(
    EVP_KDF_CTX *context, const void *key, size_t key_count, const void *salt, size_t salt_count,
    const void *info, size_t info_count, unsigned char *target, size_t count) {
  char digest[] = "SHA256";
  OSSL_PARAM parameters[5];
  int used = 0;
  parameters[used++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
  parameters[used++] =
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_count);
  if (salt_count > 0)
    parameters[used++] =
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt, salt_count);
  if (info_count > 0)
    parameters[used++] =
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, info_count);
  parameters[used] = OSSL_PARAM_construct_end();
  return EVP_KDF_derive(context, target, count, parameters);
}
