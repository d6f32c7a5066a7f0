/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Hosts and peers whose certificates prove nothing, over loopback, both ways. The peer is OpenSSL
 * alone, on a thread of its own.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/host/perf.h"
#include "controlplane/proto/tls_certificate.h"
#include "tests/unit/host/pair.h"
#include "tests/unit/trusting_tls.h"

enum { GOOD_BYTES = 4 << 20, OPENING = 32 };
static const char opening[] = "\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n";
static_assert(sizeof opening - 1 == OPENING);

static struct pair pair;

/* ---- the peer ---- */

static struct {
	SSL_CTX *context;
	EVP_PKEY *key;
	X509 *certificate;
	struct vd_identity identity;
	int listener;
	pthread_t thread;
} peer;

static void make_peer(int64_t now)
{
	vd_identity_generate(&peer.identity);
	peer.context = trusting_tls_new();
	SSL_CTX_set_verify(peer.context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_alpn_protos(peer.context, (const uint8_t *)"\x0c/yamux/1.0.0\x06libp2p", 20);
	cr_assert(eq(int, tls_certificate_make(&peer.identity, now, &peer.key, &peer.certificate),
		     VD_OK));
}

static void end_peer(void)
{
	pthread_join(peer.thread, NULL);
	SSL_CTX_free(peer.context);
	X509_free(peer.certificate);
	EVP_PKEY_free(peer.key);
}

/* ---- what is wrong with it ---- */

static void sign_again(EVP_PKEY *key)
{
	cr_assert(gt(int, X509_sign(peer.certificate, key, EVP_sha256()), 0));
}

static void honest(void)
{
	make_peer(time(NULL));
}

static void expired(void)
{
	make_peer(time(NULL) - INT64_C(101) * 31557600);
}

static void not_yet(void)
{
	make_peer(time(NULL) + INT64_C(31557600));
}

static void without_identity(void)
{
	make_peer(time(NULL));
	X509_EXTENSION_free(X509_delete_ext(peer.certificate, 0));
	sign_again(peer.key);
}

/* The identity of another, taken from its certificate: it signed another key. */
static void stolen_identity(void)
{
	struct vd_identity victim;
	EVP_PKEY *key;
	X509 *certificate;

	make_peer(time(NULL));
	vd_identity_generate(&victim);
	cr_assert(eq(int, tls_certificate_make(&victim, time(NULL), &key, &certificate), VD_OK));
	X509_EXTENSION_free(X509_delete_ext(peer.certificate, 0));
	cr_assert(eq(int, X509_add_ext(peer.certificate, X509_get_ext(certificate, 0), -1), 1));
	sign_again(peer.key);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

/* Signed by another key than the one that it holds. */
static void forged(void)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");

	make_peer(time(NULL));
	sign_again(other);
	EVP_PKEY_free(other);
}

static const struct {
	void (*make)(void);
	enum vd_err err;
} wrongs[] = {
	{ expired, VD_EPEER_RANGE },
	{ not_yet, VD_EPEER_RANGE },
	{ without_identity, VD_EPEER_FORMAT },
	{ stolen_identity, VD_EPEER_AUTH },
	{ forged, VD_EPEER_AUTH },
};

enum { WRONGS = sizeof wrongs / sizeof *wrongs };

/* ---- its threads; they end when the other side hangs up ---- */

static bool say_all(int fd, const char *bytes, size_t len)
{
	return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool hear_opening(int fd)
{
	char heard[OPENING];

	return recv(fd, heard, sizeof heard, MSG_WAITALL) == sizeof heard &&
	       memcmp(heard, opening, sizeof heard) == 0;
}

static void shake(int fd, bool client)
{
	SSL *ssl = SSL_new(peer.context);
	char byte;

	SSL_set_fd(ssl, fd);
	if ((client ? SSL_connect(ssl) : SSL_accept(ssl)) == 1)
		while (SSL_read(ssl, &byte, 1) > 0)
			;
	SSL_free(ssl);
	close(fd);
}

static void bound_waits(int fd)
{
	const struct timeval limit = { .tv_sec = PAIR_WAIT_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static void *dial_b(void *unused)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)pair.port_b),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unused;
	bound_waits(fd);
	if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
	    say_all(fd, opening, OPENING) && hear_opening(fd))
		shake(fd, true);
	else
		close(fd);
	return NULL;
}

static void *serve_one(void *unused)
{
	int fd = accept(peer.listener, NULL, NULL);

	(void)unused;
	bound_waits(fd);
	if (hear_opening(fd) && say_all(fd, opening, OPENING))
		shake(fd, false);
	else
		close(fd);
	return NULL;
}

/* Its address, with its peer id. */
static struct vd_multiaddr listen_peer(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	char text[256], id[VD_PEER_ID_TEXT];
	struct vd_multiaddr out;

	peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(eq(int, bind(peer.listener, (const struct sockaddr *)&at, sizeof at), 0));
	cr_assert(eq(int, listen(peer.listener, 1), 0));
	getsockname(peer.listener, (struct sockaddr *)&at, &len);
	snprintf(text, sizeof text, "/ip4/127.0.0.1/tcp/%u/p2p/%s", ntohs(at.sin_port),
		 vd_peer_id_text(&peer.identity.id, id));
	cr_assert(eq(int, vd_multiaddr_of_text(text, &out), VD_OK));
	return out;
}

static void start(void *(*run)(void *))
{
	SSL_CTX_use_certificate(peer.context, peer.certificate);
	SSL_CTX_use_PrivateKey(peer.context, peer.key);
	cr_assert(eq(int, pthread_create(&peer.thread, NULL, run, NULL), 0));
}

/* ---- the hosts ---- */

static void begin(const struct host_config *a)
{
	pair_begin(&pair, a, NULL);
	cr_assert(eq(int, host_perf_serve(pair.b), VD_OK));
	pair_dial(&pair);
	cr_assert(eq(int, pair.said.err, VD_OK));
	cr_assert(
	    eq(int, host_perf(pair.said.conn, GOOD_BYTES, GOOD_BYTES, pair_on_perf, &pair), VD_OK));
}

static void end(void)
{
	pair_until_said(&pair, pair.said.count < 2 ? 2 : pair.said.count);
	cr_assert(eq(int, pair.said.err, VD_OK)); /* the good one was whole */
	pair_end(&pair);
}

static bool is_accepted(struct pair *p)
{
	return host_counters(p->b)->accepted == 2;
}

Test(hostile_tls, an_honest_one_is_let_in)
{
	begin(NULL);
	honest();
	start(dial_b);
	pair_until(&pair, is_accepted);
	end();
	end_peer();
}

static bool is_dropped(struct pair *p)
{
	return host_counters(p->b)->inbound_failed == 1;
}

Test(hostile_tls, who_connects_with_a_certificate_that_proves_nothing_is_dropped)
{
	for (size_t i = 0; i < WRONGS; i++) {
		begin(NULL);
		wrongs[i].make();
		start(dial_b);
		pair_until(&pair, is_dropped);
		cr_assert(eq(u64, host_counters(pair.b)->peers_broke, 1), "row %zu", i);
		cr_assert(eq(u32, host_connection_count(pair.b), 1));
		end();
		end_peer();
	}
}

/* ---- dialled ---- */

static struct {
	unsigned count;
	enum vd_err err;
	bool has_why;
} dialled;

static void on_dialled(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	cr_assert(conn == NULL);
	dialled.count++;
	dialled.err = err;
	dialled.has_why = why && *why;
}

static bool is_told(struct pair *p)
{
	(void)p;
	return dialled.count == 1;
}

Test(hostile_tls, who_is_dialled_and_shows_one_that_proves_nothing_is_refused)
{
	for (size_t i = 0; i < WRONGS; i++) {
		struct host_config tls_alone = { .no_noise = true };
		struct vd_multiaddr address;

		dialled.count = 0;
		begin(&tls_alone);
		wrongs[i].make();
		address = listen_peer();
		start(serve_one);
		cr_assert(eq(int, host_dial(pair.a, &address, on_dialled, NULL), VD_OK));
		pair_until(&pair, is_told);
		cr_assert(eq(int, dialled.err, wrongs[i].err), "row %zu", i);
		cr_assert(dialled.has_why);
		cr_assert(eq(u32, host_connection_count(pair.a), 1));
		end();
		end_peer();
		close(peer.listener);
	}
}
