/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/tls_certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static const char EXTENSION[] = "1.3.6.1.4.1.53594.1.1";
static const char SIGNED_PREFIX[] = "libp2p-tls-handshake:";

enum {
	PREFIX_BYTES = sizeof SIGNED_PREFIX - 1,
	SPKI_MAX = 1200, /* of a certificate's key: RSA of 8,192 bits */
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 8192,
	SERIAL_BITS = 63,
	HOUR_S = 3600,
	VALID_DAYS = 36500,
};

enum { TAG_OCTET_STRING = 0x04, TAG_SEQUENCE = 0x30 };

/* The text that a peer signs: the prefix, and the certificate's key. */
struct signed_text {
	uint8_t at[PREFIX_BYTES + SPKI_MAX];
	size_t len;
};

static bool signed_text(X509 *certificate, struct signed_text *text)
{
	X509_PUBKEY *key = X509_get_X509_PUBKEY(certificate);
	int len = i2d_X509_PUBKEY(key, NULL);
	uint8_t *at = text->at + PREFIX_BYTES;

	if (len <= 0 || len > SPKI_MAX)
		return false;
	memcpy(text->at, SIGNED_PREFIX, PREFIX_BYTES);
	text->len = PREFIX_BYTES + (size_t)i2d_X509_PUBKEY(key, &at);
	return true;
}

/* ---- making ---- */

/* SignedKey: 36 bytes of key and 64 of signature, so every length is one byte. */
enum { SIGNED_KEY_BYTES = 2 + 2 + VD_PUBLIC_KEY_BYTES + 2 + VD_SIGNATURE_BYTES };
static_assert(SIGNED_KEY_BYTES - 2 < 128, "lengths are a byte each");

static void write_signed_key(const struct vd_identity *identity, const struct signed_text *text,
			     uint8_t out[SIGNED_KEY_BYTES])
{
	struct vd_write w = vd_write_to(out, SIGNED_KEY_BYTES);
	uint8_t signature[VD_SIGNATURE_BYTES];

	vd_identity_sign(identity, vd_bytes(text->at, text->len), signature);
	vd_write_u8(&w, TAG_SEQUENCE);
	vd_write_u8(&w, SIGNED_KEY_BYTES - 2);
	vd_write_u8(&w, TAG_OCTET_STRING);
	vd_write_u8(&w, VD_PUBLIC_KEY_BYTES);
	vd_write_bytes(&w, vd_bytes(identity->public_key, VD_PUBLIC_KEY_BYTES));
	vd_write_u8(&w, TAG_OCTET_STRING);
	vd_write_u8(&w, VD_SIGNATURE_BYTES);
	vd_write_bytes(&w, vd_bytes(signature, sizeof signature));
}

/* Not critical, as go-libp2p's; the only one, since js-libp2p looks at the first alone. */
static bool add_extension(X509 *certificate, const uint8_t value[SIGNED_KEY_BYTES])
{
	ASN1_OBJECT *id = OBJ_txt2obj(EXTENSION, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	bool ok = id && octets && ASN1_OCTET_STRING_set(octets, value, SIGNED_KEY_BYTES) == 1;

	if (ok)
		extension = X509_EXTENSION_create_by_OBJ(NULL, id, 0, octets);
	ok = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(id);
	return ok;
}

static bool set_serial(X509 *certificate)
{
	BIGNUM *number = BN_new();
	bool ok = number &&
		  BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));

	BN_free(number);
	return ok;
}

static bool set_fields(X509 *certificate, EVP_PKEY *key, int64_t unix_s)
{
	X509_NAME *name = X509_get_subject_name(certificate);

	return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
	       X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const uint8_t *)"libp2p.io", -1,
					  -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1 &&
	       ASN1_TIME_adj(X509_getm_notBefore(certificate), (time_t)unix_s, 0, -HOUR_S) &&
	       ASN1_TIME_adj(X509_getm_notAfter(certificate), (time_t)unix_s, VALID_DAYS, 0) &&
	       X509_set_pubkey(certificate, key) == 1;
}

static bool fill(X509 *certificate, EVP_PKEY *key, const struct vd_identity *identity,
		 int64_t unix_s)
{
	uint8_t value[SIGNED_KEY_BYTES];
	struct signed_text text;

	if (!set_fields(certificate, key, unix_s) || !signed_text(certificate, &text))
		return false;
	write_signed_key(identity, &text, value);
	return add_extension(certificate, value) && X509_sign(certificate, key, EVP_sha256()) > 0;
}

enum vd_err tls_certificate_make(const struct vd_identity *identity, int64_t unix_s,
				 struct evp_pkey_st **key_out, struct x509_st **certificate_out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();

	if (!key || !certificate || !fill(certificate, key, identity, unix_s)) {
		EVP_PKEY_free(key);
		X509_free(certificate);
		return VD_ENOMEM;
	}
	*key_out = key;
	*certificate_out = certificate;
	return VD_OK;
}

/* ---- verifying ---- */

static enum vd_err no(enum vd_err err, const char *reason, const char **reason_out)
{
	*reason_out = reason;
	return err;
}

static enum vd_err check_time(const X509 *certificate, int64_t unix_s, const char **reason_out)
{
	time_t now = (time_t)unix_s;
	int from = X509_cmp_time(X509_get0_notBefore(certificate), &now);
	int until = X509_cmp_time(X509_get0_notAfter(certificate), &now);

	if (!from || !until)
		return no(VD_EPEER_FORMAT, "a certificate with a malformed time", reason_out);
	if (from > 0)
		return no(VD_EPEER_RANGE, "a certificate that is not valid yet", reason_out);
	if (until < 0)
		return no(VD_EPEER_RANGE, "a certificate that has expired", reason_out);
	return VD_OK;
}

/* By SHA-2 of 256 bits and more, or an algorithm with its own hash (Ed25519). */
static bool is_hash_taken(X509 *certificate)
{
	int hash;

	if (X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1)
		return false;
	return hash == NID_sha256 || hash == NID_sha384 || hash == NID_sha512 || hash == NID_undef;
}

static bool is_key_taken(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	return EVP_PKEY_is_a(key, "EC") || EVP_PKEY_is_a(key, "ED25519");
}

static enum vd_err check_signature(X509 *certificate, const char **reason_out)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);

	if (!key)
		return no(VD_EPEER_FORMAT, "a certificate with a malformed key", reason_out);
	if (!is_key_taken(key) || !is_hash_taken(certificate))
		return no(VD_EPEER_RANGE, "a certificate by an algorithm that is not taken",
			  reason_out);
	if (X509_verify(certificate, key) != 1)
		return no(VD_EPEER_AUTH, "a certificate that is not signed by itself", reason_out);
	return VD_OK;
}

static bool is_ours(X509_EXTENSION *extension)
{
	char id[64];

	return OBJ_obj2txt(id, sizeof id, X509_EXTENSION_get_object(extension), 1) > 0 &&
	       strcmp(id, EXTENSION) == 0;
}

static enum vd_err find_extension(const X509 *certificate, struct vd_bytes *value_out,
				  const char **reason_out)
{
	const ASN1_OCTET_STRING *value = NULL;

	for (int i = 0; i < X509_get_ext_count(certificate); i++) {
		X509_EXTENSION *extension = X509_get_ext(certificate, i);

		if (is_ours(extension) && value)
			return no(VD_EPEER_FORMAT, "a certificate with two identities", reason_out);
		if (is_ours(extension))
			value = X509_EXTENSION_get_data(extension);
		else if (X509_EXTENSION_get_critical(extension) &&
			 !X509_supported_extension(extension))
			return no(VD_EPEER_UNSUPPORTED,
				  "a certificate with an unknown critical extension", reason_out);
	}
	if (!value)
		return no(VD_EPEER_FORMAT, "a certificate without identity", reason_out);
	*value_out = vd_bytes(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
	return VD_OK;
}

/* A DER value of that tag, its length in the shortest form (X.690, 10.1) of up to 2 bytes. */
static struct vd_bytes read_der(struct vd_read *r, uint8_t tag)
{
	if (vd_read_u8(r) != tag)
		vd_read_fail(r, VD_EPEER_FORMAT);

	size_t len = vd_read_u8(r), least = 0;

	if (len == 0x81) {
		len = vd_read_u8(r);
		least = 0x80;
	} else if (len == 0x82) {
		len = vd_read_be16(r);
		least = 0x100;
	} else if (len > 0x7f) {
		vd_read_fail(r, VD_EPEER_FORMAT);
	}
	if (len < least)
		vd_read_fail(r, VD_EPEER_FORMAT);
	return vd_read_bytes(r, len);
}

static enum vd_err check_identity(X509 *certificate, struct vd_bytes value,
				  struct tls_certificate *out, const char **reason_out)
{
	struct vd_read r = vd_read_of(value);
	struct vd_read inner = vd_read_of(read_der(&r, TAG_SEQUENCE));
	struct vd_bytes key = read_der(&inner, TAG_OCTET_STRING);
	struct vd_bytes signature = read_der(&inner, TAG_OCTET_STRING);
	struct signed_text text;

	if (vd_read_end(&r) || vd_read_end(&inner) || key.len > sizeof out->public_key)
		return no(VD_EPEER_FORMAT, "a certificate with a malformed identity", reason_out);
	if (!signed_text(certificate, &text))
		return no(VD_EPEER_RANGE, "a certificate with a key that is too long", reason_out);

	enum vd_err err = public_key_verify(key, vd_bytes(text.at, text.len), signature);

	if (!err)
		err = vd_peer_id_of_public_key(key, &out->peer);
	if (err)
		return no(err, "a certificate whose identity does not verify", reason_out);
	memcpy(out->public_key, key.at, key.len);
	out->public_key_len = key.len;
	return VD_OK;
}

static bool has_unique_ids(const X509 *certificate)
{
	const ASN1_BIT_STRING *issuer, *subject;

	X509_get0_uids(certificate, &issuer, &subject);
	return issuer || subject;
}

/* Whether it was DER, with nothing after it: what is signed is what was sent. */
static bool is_whole(X509 *certificate, struct vd_bytes der)
{
	uint8_t *again = NULL;
	int len = i2d_X509(certificate, &again);
	bool same = len > 0 && vd_bytes_equal(vd_bytes(again, (size_t)len), der);

	OPENSSL_free(again);
	return same;
}

static enum vd_err check(X509 *certificate, int64_t unix_s, struct tls_certificate *out,
			 const char **reason_out)
{
	struct vd_bytes value;

	if (has_unique_ids(certificate))
		return no(VD_EPEER_FORMAT, "a malformed certificate", reason_out);

	enum vd_err err = check_time(certificate, unix_s, reason_out);

	if (!err)
		err = find_extension(certificate, &value, reason_out);
	if (!err)
		err = check_signature(certificate, reason_out);
	return err ? err : check_identity(certificate, value, out, reason_out);
}

enum vd_err tls_certificate_verify_parsed(X509 *certificate, int64_t unix_s,
					  struct tls_certificate *certificate_out,
					  const char **reason_out)
{
	struct tls_certificate out = { 0 };
	enum vd_err err = check(certificate, unix_s, &out, reason_out);

	ERR_clear_error(); /* what a peer sent is told by our result, not by a thread's queue */
	if (!err)
		*certificate_out = out;
	return err;
}

enum vd_err tls_certificate_verify(struct vd_bytes der, int64_t unix_s,
				   struct tls_certificate *certificate_out, const char **reason_out)
{
	const uint8_t *at = der.at;

	if (der.len == 0)
		return no(VD_EPEER_TRUNC, "no certificate", reason_out);
	if (der.len > TLS_CERTIFICATE_MAX)
		return no(VD_EPEER_RANGE, "a certificate that is too long", reason_out);

	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
	enum vd_err err =
	    certificate && is_whole(certificate, der)
		? tls_certificate_verify_parsed(certificate, unix_s, certificate_out, reason_out)
		: no(VD_EPEER_FORMAT, "a malformed certificate", reason_out);

	X509_free(certificate);
	ERR_clear_error();
	return err;
}
