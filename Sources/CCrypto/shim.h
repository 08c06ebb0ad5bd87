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
