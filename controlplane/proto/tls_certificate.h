/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * tls_certificate: the self-signed certificate by which a libp2p peer proves itself in TLS
 * (libp2p/specs, tls, "Peer Authentication"): its extension 1.3.6.1.4.1.53594.1.1 holds the peer's
 * public key and a signature by it of the certificate's own key.
 *
 * No authority is asked. The time comes in as seconds since 1970.
 *
 * Threads: any. Memory: see each.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/key.h"
#include "controlplane/proto/public_key.h"

enum { TLS_CERTIFICATE_MAX = 16384 }; /* bytes of DER that are looked at */

struct evp_pkey_st; /* OpenSSL's EVP_PKEY and X509 */
struct x509_st;

/* A new P-256 key and its certificate, valid from an hour ago for 100 years. The caller frees both.
 * VD_ENOMEM. */
enum vd_err tls_certificate_make(const struct vd_identity *identity, int64_t unix_s,
				 struct evp_pkey_st **key_out, struct x509_st **certificate_out);

struct tls_certificate {
	struct vd_peer_id peer;
	size_t public_key_len;
	uint8_t public_key[PUBLIC_KEY_MAX]; /* the peer's, protobuf */
};

/*
 * Whose certificate this is. VD_EPEER_TRUNC (empty), VD_EPEER_FORMAT (not one certificate in DER,
 * no or two or a malformed extension), VD_EPEER_RANGE (not valid yet, or expired; a key or an
 * algorithm that we do not take), VD_EPEER_UNSUPPORTED (a critical extension that we do not know),
 * VD_EPEER_AUTH (a signature). `reason_out`, on failure: static text for a log.
 */
enum vd_err tls_certificate_verify(struct vd_bytes der, int64_t unix_s,
				   struct tls_certificate *certificate_out,
				   const char **reason_out);

/*
 * The same of a certificate that OpenSSL has parsed already, which costs as much as all the rest;
 * without VD_EPEER_TRUNC, and whether it was DER is not looked at again. Borrows it.
 */
enum vd_err tls_certificate_verify_parsed(struct x509_st *certificate, int64_t unix_s,
					  struct tls_certificate *certificate_out,
					  const char **reason_out);
