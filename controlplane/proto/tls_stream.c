/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "controlplane/proto/byte_queue.h"
#include "controlplane/proto/tls_certificate.h"

enum {
	RECORD_MAX = 16384, /* plaintext (RFC 8446, 5.1) */
	QUEUE_FULL = 65536, /* a queue with this much takes no more: at most a record beyond it */
	ALPN_MAX = 256,     /* of all our names with their lengths */
};

static const char ALPN_LIBP2P[] = "libp2p";
static const char SUITES[] =
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";

struct tls_stream_config {
	const struct security_config *security;
	SSL_CTX *context;
	BIO_METHOD *method;
};

struct tls_stream {
	struct security base;
	const struct tls_stream_config *config;
	SSL *ssl;
	struct vd_peer_id expected;
	bool has_expected;
	int64_t unix_s;
	struct vd_read wire; /* during receive: what OpenSSL may read */
	struct byte_queue plain, out;
	enum vd_err certificate_err;         /* of the callback */
	struct tls_certificate *certificate; /* during the handshake */
	uint8_t *public_key;                 /* the peer's */
};

static enum vd_err fail(struct tls_stream *s, enum vd_err err, const char *reason)
{
	s->base.state = SECURITY_FAILED;
	s->base.reason = reason;
	return err;
}

/* ---- OpenSSL's way to the wire ---- */

/* Nothing to read, or a peer that makes us answer without reading: OpenSSL is told to wait. */
static int bio_read(BIO *bio, char *out, size_t len, size_t *read_out)
{
	struct tls_stream *s = BIO_get_data(bio);
	size_t left = vd_read_left(&s->wire);

	BIO_clear_retry_flags(bio);
	if (!left || s->out.len >= QUEUE_FULL) {
		BIO_set_retry_read(bio);
		return 0;
	}
	*read_out = len < left ? len : left;
	vd_read_copy(&s->wire, out, *read_out);
	return 1;
}

static int bio_write(BIO *bio, const char *in, size_t len, size_t *written_out)
{
	struct tls_stream *s = BIO_get_data(bio);

	if (byte_queue_push(&s->out, vd_bytes(in, len)))
		return 0;
	*written_out = len;
	return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH; /* the only one that has to succeed */
}

static BIO_METHOD *make_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "viaduct");

	if (!method || BIO_meth_set_read_ex(method, bio_read) != 1 ||
	    BIO_meth_set_write_ex(method, bio_write) != 1 ||
	    BIO_meth_set_ctrl(method, bio_control) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

/* ---- who the peer is ---- */

static enum vd_err check_certificate(struct tls_stream *s, X509_STORE_CTX *store)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);

	if (sk_X509_num(chain) > 1) {
		s->base.reason = "more than one certificate";
		return VD_EPEER_FORMAT;
	}
	s->certificate = malloc(sizeof *s->certificate);
	if (!s->certificate) {
		s->base.reason = "out of memory";
		return VD_ENOMEM;
	}

	enum vd_err err =
	    tls_certificate_verify_parsed(leaf, s->unix_s, s->certificate, &s->base.reason);

	if (!err && s->has_expected && !vd_peer_id_equal(&s->certificate->peer, &s->expected)) {
		s->base.reason = "another peer than was dialled";
		err = VD_EPEER_AUTH;
	}
	return err;
}

/* In place of OpenSSL's own verification: there is no authority. */
static int verify(X509_STORE_CTX *store, void *unused)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_stream *s = SSL_get_app_data(ssl);

	(void)unused;
	s->certificate_err = check_certificate(s, store);
	if (s->certificate_err)
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return s->certificate_err == VD_OK;
}

/* ---- ALPN ---- */

static size_t alpn_of(const struct security_config *security, uint8_t out[ALPN_MAX])
{
	struct vd_write w = vd_write_to(out, ALPN_MAX);

	for (const char *const *muxer = security->muxers; *muxer; muxer++) {
		vd_write_u8(&w, (uint8_t)strlen(*muxer));
		vd_write_bytes(&w, vd_bytes_of_text(*muxer));
	}
	vd_write_u8(&w, sizeof ALPN_LIBP2P - 1);
	vd_write_bytes(&w, vd_bytes_of_text(ALPN_LIBP2P));
	return vd_write_end(&w) ? 0 : vd_write_len(&w);
}

/* Our string of that name; NULL when it is none of ours. */
static const char *muxer_named(const struct security_config *security, struct vd_bytes name)
{
	for (const char *const *muxer = security->muxers; *muxer; muxer++)
		if (vd_bytes_equal(vd_bytes_of_text(*muxer), name))
			return *muxer;
	return NULL;
}

/* The first of the client's that we have. */
static int select_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
		       unsigned in_len, void *context)
{
	const struct tls_stream_config *config = context;
	struct vd_read r = vd_read_of(vd_bytes(in, in_len));

	(void)ssl;
	while (vd_read_left(&r)) {
		struct vd_bytes name = vd_read_bytes(&r, vd_read_u8(&r));

		if (!muxer_named(config->security, name) &&
		    !vd_bytes_equal(name, vd_bytes_of_text(ALPN_LIBP2P)))
			continue;
		*out = name.at;
		*out_len = (uint8_t)name.len;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- the handshake ---- */

/* What OpenSSL says it was; its texts are static. */
static enum vd_err fail_of_openssl(struct tls_stream *s)
{
	unsigned long code = ERR_peek_error();
	int reason = ERR_GET_REASON(code);
	const char *text = ERR_reason_error_string(code);

	ERR_clear_error();
	if (s->certificate_err)
		return fail(s, s->certificate_err, s->base.reason);
	if (reason == SSL_R_NO_APPLICATION_PROTOCOL)
		return fail(s, VD_EPEER_UNSUPPORTED, "no application protocol in common");
	if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		return fail(s, VD_EPEER_AUTH, "no certificate");
	if (reason == SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC)
		return fail(s, VD_EPEER_AUTH, "a record that does not verify");
	if (reason >= SSL_AD_REASON_OFFSET)
		return fail(s, VD_EPEER_REFUSED, text ? text : "an alert");
	if (reason == ERR_R_MALLOC_FAILURE)
		return fail(s, VD_ENOMEM, "out of memory");
	return fail(s, VD_EPEER_FORMAT, text ? text : "not TLS 1.3");
}

/* Of the certificate, which has room for the longest of keys, only what there is. */
static enum vd_err keep_peer(struct tls_stream *s)
{
	size_t len = s->certificate->public_key_len;

	s->public_key = malloc(len);
	if (!s->public_key)
		return fail(s, VD_ENOMEM, "out of memory");
	memcpy(s->public_key, s->certificate->public_key, len);
	s->base.public_key = vd_bytes(s->public_key, len);
	s->base.peer = s->certificate->peer;
	free(s->certificate);
	s->certificate = NULL;
	return VD_OK;
}

static enum vd_err open_channel(struct tls_stream *s)
{
	const uint8_t *name;
	unsigned len;

	SSL_get0_alpn_selected(s->ssl, &name, &len);
	s->base.muxer = muxer_named(s->config->security, vd_bytes(name, len));
	if (len && !s->base.muxer &&
	    !vd_bytes_equal(vd_bytes(name, len), vd_bytes_of_text(ALPN_LIBP2P)))
		return fail(s, VD_EPEER_UNSUPPORTED, "a protocol that was not offered");
	if (!s->certificate)
		return fail(s, VD_EPEER_AUTH, "no certificate");
	if (keep_peer(s))
		return VD_ENOMEM;
	s->base.state = SECURITY_OPEN;
	return VD_OK;
}

/* As far as it goes with the bytes there are. */
static enum vd_err shake(struct tls_stream *s)
{
	ERR_clear_error();

	int result = SSL_do_handshake(s->ssl);

	if (result == 1)
		return open_channel(s);
	return SSL_get_error(s->ssl, result) == SSL_ERROR_WANT_READ ? VD_AGAIN : fail_of_openssl(s);
}

/* ---- security ---- */

static struct tls_stream *of(struct security *security)
{
	return (struct tls_stream *)security;
}

/* One record's plaintext; VD_AGAIN when OpenSSL wants more bytes. */
static enum vd_err read_record(struct tls_stream *s)
{
	uint8_t *room = byte_queue_room(&s->plain, RECORD_MAX);
	size_t len;

	if (!room)
		return fail(s, VD_ENOMEM, "out of memory");
	ERR_clear_error();

	int result = SSL_read_ex(s->ssl, room, RECORD_MAX, &len);

	if (result == 1) {
		byte_queue_added(&s->plain, len);
		return VD_OK;
	}
	if (!s->plain.len)
		byte_queue_fini(&s->plain);
	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_WANT_READ: return VD_AGAIN;
	case SSL_ERROR_ZERO_RETURN: s->base.state = SECURITY_ENDED; return VD_AGAIN;
	default: return fail_of_openssl(s);
	}
}

static enum vd_err receive(struct security *security, struct vd_bytes wire, size_t *used_out)
{
	struct tls_stream *s = of(security);
	enum vd_err err = VD_OK;

	*used_out = 0;
	if (s->base.state == SECURITY_FAILED)
		return VD_EBUG_STATE;
	s->wire = vd_read_of(wire);
	if (s->base.state == SECURITY_HANDSHAKE)
		err = shake(s);
	while (!err && s->base.state == SECURITY_OPEN && s->plain.len < QUEUE_FULL)
		err = read_record(s);
	if (s->base.state == SECURITY_ENDED)
		(void)vd_read_rest(&s->wire); /* nothing follows */
	*used_out = wire.len - vd_read_left(&s->wire);
	s->wire = (struct vd_read){ 0 };
	return err == VD_AGAIN ? VD_OK : err;
}

static struct vd_bytes input(struct security *security)
{
	return byte_queue_bytes(&of(security)->plain);
}

static void taken(struct security *security, size_t len)
{
	byte_queue_pop(&of(security)->plain, len);
}

static enum vd_err write_plain(struct security *security, struct vd_bytes plain, size_t *took_out)
{
	struct tls_stream *s = of(security);
	size_t took = 0, len;

	*took_out = 0;
	if (!security_open(security) || (plain.len && s->out.len >= QUEUE_FULL))
		return VD_AGAIN;
	while (took < plain.len && s->out.len < QUEUE_FULL) {
		ERR_clear_error();
		if (SSL_write_ex(s->ssl, plain.at + took, plain.len - took, &len) != 1)
			return fail_of_openssl(s);
		took += len;
	}
	*took_out = took;
	return VD_OK;
}

static struct vd_bytes next_output(struct security *security)
{
	return byte_queue_bytes(&of(security)->out);
}

static void sent(struct security *security, size_t len)
{
	byte_queue_pop(&of(security)->out, len);
}

/* OpenSSL has a buffer of a whole record once one is begun: its header, or its body ("RB"). */
static bool has_begun_record(const SSL *ssl)
{
	return SSL_has_pending(ssl) == 1 || strcmp(SSL_rstate_string(ssl), "RB") == 0;
}

static size_t buffered(const struct security *security)
{
	const struct tls_stream *s = (const struct tls_stream *)security;

	return byte_queue_held(&s->plain) + byte_queue_held(&s->out) +
	       (has_begun_record(s->ssl) ? RECORD_MAX : 0);
}

static void close_channel(struct security *security)
{
	ERR_clear_error();
	if (security_open(security))
		(void)SSL_shutdown(of(security)->ssl);
	ERR_clear_error();
}

static void free_channel(struct security *security)
{
	struct tls_stream *s = of(security);

	SSL_free(s->ssl);
	if (s->plain.at)
		OPENSSL_cleanse(s->plain.at, s->plain.cap);
	byte_queue_fini(&s->plain);
	byte_queue_fini(&s->out);
	free(s->certificate);
	free(s->public_key);
	free(s);
}

static const struct security_class tls_class = {
	.protocol = "/tls/1.0.0",
	.receive = receive,
	.input = input,
	.taken = taken,
	.write = write_plain,
	.next_output = next_output,
	.sent = sent,
	.buffered = buffered,
	.close = close_channel,
	.free = free_channel,
};

/* ---- configuration and birth ---- */

static bool set_certificate(struct tls_stream_config *config, int64_t unix_s)
{
	EVP_PKEY *key;
	X509 *certificate;

	if (tls_certificate_make(config->security->identity, unix_s, &key, &certificate))
		return false;

	bool ok = SSL_CTX_use_certificate(config->context, certificate) == 1 &&
		  SSL_CTX_use_PrivateKey(config->context, key) == 1;

	EVP_PKEY_free(key);
	X509_free(certificate);
	return ok;
}

static bool set_up(struct tls_stream_config *config, int64_t unix_s)
{
	SSL_CTX *context = config->context;
	uint8_t alpn[ALPN_MAX];
	size_t alpn_len = alpn_of(config->security, alpn);

	if (!alpn_len || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(context, SUITES) != 1 ||
	    SSL_CTX_set_alpn_protos(context, alpn, (unsigned)alpn_len) != 0 ||
	    SSL_CTX_set_num_tickets(context, 0) != 1)
		return false;
	SSL_CTX_set_alpn_select_cb(context, select_alpn, config);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(context, verify, NULL);
	SSL_CTX_set_max_cert_list(context, TLS_CERTIFICATE_MAX);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
	return set_certificate(config, unix_s);
}

struct tls_stream_config *tls_stream_config_new(const struct security_config *security,
						int64_t unix_s)
{
	struct tls_stream_config *config = calloc(1, sizeof *config);

	if (!config)
		return NULL;
	config->security = security;
	config->method = make_method();
	config->context = SSL_CTX_new(TLS_method());
	if (!config->method || !config->context || !set_up(config, unix_s)) {
		ERR_clear_error();
		tls_stream_config_free(config);
		return NULL;
	}
	return config;
}

void tls_stream_config_free(struct tls_stream_config *config)
{
	if (!config)
		return;
	SSL_CTX_free(config->context);
	BIO_meth_free(config->method);
	free(config);
}

/* OpenSSL's ends of the wire; the connection owns the BIO. */
static bool attach(struct tls_stream *s, enum tls_role role)
{
	BIO *bio;

	s->ssl = SSL_new(s->config->context);
	bio = s->ssl ? BIO_new(s->config->method) : NULL;
	if (!bio)
		return false;
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, s);
	if (role == TLS_CLIENT)
		SSL_set_connect_state(s->ssl);
	else
		SSL_set_accept_state(s->ssl);
	return true;
}

struct security *tls_stream_new(struct tls_stream_config *config, enum tls_role role,
				const struct vd_peer_id *expected, int64_t unix_s)
{
	struct tls_stream *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->base.class = &tls_class;
	s->config = config;
	s->unix_s = unix_s;
	s->has_expected = expected != NULL;
	if (expected)
		s->expected = *expected;
	/* A client has its hello to send at once. */
	if (!attach(s, role) || (role == TLS_CLIENT && shake(s) != VD_AGAIN)) {
		free_channel(&s->base);
		return NULL;
	}
	return &s->base;
}
