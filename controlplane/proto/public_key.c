/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <secp256k1.h>
#include <sodium.h>

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, RSA_EXPONENT_BITS_MAX = 32 };
enum { POINT_COMPRESSED = 33, POINT_UNCOMPRESSED = 65 };

/* SubjectPublicKeyInfo (RFC 5280, 4.1) of a P-256 key, up to its point (RFC 5480). */
static const uint8_t p256_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				     0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				     0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
/* Of an EC key on any curve, from its third byte on, up to the length of the curve's name. */
static const uint8_t ec_algorithm[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
/* Of an RSA key (RFC 8017, A.1), from its fifth byte on; 2,048 bits and more have lengths of 2
 * bytes. */
static const uint8_t rsa_algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
					 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82 };

static bool holds(struct vd_bytes in, size_t at, const uint8_t *what, size_t len)
{
	return in.len >= at + len && memcmp(in.at + at, what, len) == 0;
}

/* ---- keys ---- */

static enum vd_err check_rsa(EVP_PKEY *key)
{
	BIGNUM *e = NULL;
	int bits = EVP_PKEY_get_bits(key);
	enum vd_err err = VD_OK;

	if (!EVP_PKEY_is_a(key, "RSA") || !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e))
		return VD_EPEER_FORMAT;
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || BN_num_bits(e) > RSA_EXPONENT_BITS_MAX ||
	    !BN_is_odd(e) || BN_is_one(e))
		err = VD_EPEER_RANGE;
	BN_free(e);
	return err;
}

/* Whether the key, written again, is the same bytes: DER has one form. */
static bool is_canonical(EVP_PKEY *key, struct vd_bytes data)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	bool same = len > 0 && vd_bytes_equal(vd_bytes(der, (size_t)len), data);

	OPENSSL_free(der);
	return same;
}

static enum vd_err read_rsa(struct vd_bytes data, EVP_PKEY **key_out)
{
	const uint8_t *at = data.at;

	if (data.len > PUBLIC_KEY_MAX)
		return VD_EPEER_RANGE;
	/* Under 256 bytes the head is shorter: a key of less than 2,048 bits. */
	if (data.len > 2 && data.at[0] == 0x30 && data.at[1] <= 0x81)
		return VD_EPEER_RANGE;
	if (!holds(data, 4, rsa_algorithm, sizeof rsa_algorithm))
		return VD_EPEER_FORMAT;

	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)data.len);
	enum vd_err err = key ? check_rsa(key) : VD_EPEER_FORMAT;

	if (!err && !is_canonical(key, data))
		err = VD_EPEER_FORMAT;
	if (err) {
		EVP_PKEY_free(key);
		return err;
	}
	*key_out = key;
	return VD_OK;
}

/* On any curve; large ones have a longer length before it. */
static bool is_ec(struct vd_bytes data)
{
	return holds(data, 4, ec_algorithm, sizeof ec_algorithm) ||
	       holds(data, 5, ec_algorithm, sizeof ec_algorithm);
}

static enum vd_err read_p256(struct vd_bytes data, EVP_PKEY **key_out)
{
	const uint8_t *at = data.at;

	if (data.len != sizeof p256_head + POINT_UNCOMPRESSED ||
	    !holds(data, 0, p256_head, sizeof p256_head))
		return is_ec(data) ? VD_EPEER_RANGE : VD_EPEER_FORMAT;
	/* Refuses points that are not on the curve. */
	*key_out = d2i_PUBKEY(NULL, &at, (long)data.len);
	return *key_out ? VD_OK : VD_EPEER_FORMAT;
}

/* ---- signatures ---- */

static enum vd_err verify_evp(EVP_PKEY *key, struct vd_bytes message, struct vd_bytes signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	enum vd_err err = VD_ENOMEM;

	if (context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1)
		err = EVP_DigestVerify(context, signature.at, signature.len, message.at,
				       message.len) == 1
			  ? VD_OK
			  : VD_EPEER_AUTH;
	EVP_MD_CTX_free(context);
	return err;
}

static enum vd_err verify_openssl(enum vd_key_type type, struct vd_bytes data,
				  struct vd_bytes message, struct vd_bytes signature)
{
	EVP_PKEY *key = NULL;
	enum vd_err err = type == VD_KEY_RSA ? read_rsa(data, &key) : read_p256(data, &key);

	if (!err)
		err = verify_evp(key, message, signature);
	EVP_PKEY_free(key);
	ERR_clear_error(); /* what a peer sent is told by our result, not by a thread's queue */
	return err;
}

static enum vd_err verify_secp256k1(struct vd_bytes data, struct vd_bytes message,
				    struct vd_bytes signature)
{
	const secp256k1_context *context = secp256k1_context_static;
	secp256k1_pubkey key;
	secp256k1_ecdsa_signature parsed;
	uint8_t hash[32];

	if (data.len != POINT_COMPRESSED ||
	    !secp256k1_ec_pubkey_parse(context, &key, data.at, data.len))
		return VD_EPEER_FORMAT;
	if (!secp256k1_ecdsa_signature_parse_der(context, &parsed, signature.at, signature.len))
		return VD_EPEER_AUTH;
	/* The library takes the low half of S alone; other implementations take both. */
	(void)secp256k1_ecdsa_signature_normalize(context, &parsed, &parsed);
	crypto_hash_sha256(hash, message.at, message.len);
	return secp256k1_ecdsa_verify(context, &parsed, hash, &key) ? VD_OK : VD_EPEER_AUTH;
}

enum vd_err public_key_verify(struct vd_bytes public_key, struct vd_bytes message,
			      struct vd_bytes signature)
{
	enum vd_key_type type;
	struct vd_bytes data;
	enum vd_err err = vd_public_key_read(public_key, &type, &data);

	if (err)
		return err;
	if (signature.len == 0 || signature.len > PUBLIC_KEY_SIGNATURE_MAX)
		signature = vd_bytes("", 1); /* nobody's, but the key is judged first */
	switch (type) {
	case VD_KEY_ED25519: return vd_key_verify(public_key, message, signature);
	case VD_KEY_SECP256K1: return verify_secp256k1(data, message, signature);
	case VD_KEY_RSA:
	case VD_KEY_ECDSA: return verify_openssl(type, data, message, signature);
	}
	return VD_EPEER_RANGE;
}
