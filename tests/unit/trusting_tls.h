/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/* trusting_tls: OpenSSL as a peer that takes every certificate; for tests. */
#include <openssl/ssl.h>

static inline int trusting_tls_accept(X509_STORE_CTX *store, void *unused)
{
	(void)store;
	(void)unused;
	return 1;
}

static inline SSL_CTX *trusting_tls_new(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());

	SSL_CTX_set_cert_verify_callback(context, trusting_tls_accept, NULL);
	return context;
}
