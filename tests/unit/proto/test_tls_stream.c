/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "controlplane/proto/tls_certificate.h"
#include "tests/unit/base/vectors.h"
#include "tests/unit/proto/security_pair.h"
#include "tests/unit/trusting_tls.h"

#define NOW INT64_C(1700000000)

static const char *const yamux[] = { "/yamux/1.0.0", NULL };
static const char *const both[] = { "/mplex/6.7.0", "/yamux/1.0.0", NULL };
static const char *const swapped[] = { "/yamux/1.0.0", "/mplex/6.7.0", NULL };
static const char *const none[] = { NULL };

struct host {
	struct vd_identity identity;
	struct security_config security;
	struct tls_stream_config *tls;
};

static struct host hosts[2];

static void make_host(struct host *host, const char *const *muxers, int64_t now)
{
	tls_stream_config_free(host->tls);
	vd_identity_generate(&host->identity);
	host->security = (struct security_config){ &host->identity, muxers };
	host->tls = tls_stream_config_new(&host->security, now);
	cr_assert(host->tls != NULL);
}

static struct security_pair make_pair(const char *const *ours, const char *const *theirs,
				      const struct vd_peer_id *expected)
{
	make_host(&hosts[0], ours, NOW);
	make_host(&hosts[1], theirs, NOW);
	return (struct security_pair){
		.ends = { tls_stream_new(hosts[0].tls, TLS_CLIENT, expected, NOW),
			  tls_stream_new(hosts[1].tls, TLS_SERVER, NULL, NOW) },
	};
}

static void end(struct security_pair *pair)
{
	pair_free(pair);
	for (unsigned i = 0; i < 2; i++) {
		tls_stream_config_free(hosts[i].tls);
		hosts[i].tls = NULL;
	}
}

Test(tls_stream, both_ends_know_each_other_after_the_handshake)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);

	pair_run(&pair);
	for (unsigned i = 0; i < 2; i++) {
		const struct host *other = &hosts[!i];

		cr_assert(eq(int, pair.ends[i]->state, SECURITY_OPEN));
		cr_assert(vd_peer_id_equal(&pair.ends[i]->peer, &other->identity.id));
		assert_bytes(pair.ends[i]->public_key,
			     vd_bytes(other->identity.public_key, VD_PUBLIC_KEY_BYTES));
		cr_assert(eq(str, (char *)pair.ends[i]->muxer, "/yamux/1.0.0"));
	}
	end(&pair);
}

static void assert_muxer(const char *const *ours, const char *const *theirs, const char *want)
{
	struct security_pair pair = make_pair(ours, theirs, NULL);

	pair_run(&pair);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(security_open(pair.ends[i]));
		if (want)
			cr_assert(eq(str, (char *)pair.ends[i]->muxer, (char *)want));
		else
			cr_assert(pair.ends[i]->muxer == NULL);
	}
	end(&pair);
}

Test(tls_stream, the_clients_first_muxer_that_both_have_is_chosen)
{
	assert_muxer(swapped, both, "/yamux/1.0.0");
	assert_muxer(both, swapped, "/mplex/6.7.0");
	assert_muxer(both, yamux, "/yamux/1.0.0");
}

Test(tls_stream, without_a_muxer_in_common_it_is_negotiated_later)
{
	assert_muxer(yamux, none, NULL);
	assert_muxer(none, yamux, NULL);
}

Test(tls_stream, another_peer_than_dialled_is_refused_with_an_alert)
{
	struct vd_identity stranger;
	struct security_pair pair;

	vd_identity_generate(&stranger);
	pair = make_pair(yamux, yamux, &stranger.id);
	pair_run(&pair);
	cr_assert(eq(int, pair.err[0], VD_EPEER_AUTH));
	cr_assert(eq(str, (char *)pair.ends[0]->reason, "another peer than was dialled"));
	cr_assert(eq(int, pair.err[1], VD_EPEER_REFUSED));
	cr_assert(not(security_open(pair.ends[1])));
	end(&pair);
}

Test(tls_stream, bytes_arrive_in_order_however_they_are_cut)
{
	static const size_t pieces[] = { 0, 1, 2, 7, 1000, 65536 };

	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		struct security_pair pair = make_pair(yamux, yamux, NULL);

		pair.piece = pieces[i];
		pair_run(&pair);
		pair_transfer(&pair, 0, pieces[i] && pieces[i] < 100 ? 20000 : 1000000);
		pair_transfer(&pair, 1, pieces[i] && pieces[i] < 100 ? 20000 : 1000000);
		end(&pair);
	}
}

Test(tls_stream, closing_is_heard_after_what_was_written)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);
	size_t took;

	pair_run(&pair);
	cr_assert(eq(int, security_write(pair.ends[0], vd_bytes("bye", 3), &took), VD_OK));
	security_close(pair.ends[0]);
	pair_run(&pair);
	cr_assert(eq(int, pair.ends[1]->state, SECURITY_ENDED));
	assert_bytes(security_input(pair.ends[1]), vd_bytes("bye", 3));
	cr_assert(eq(int, security_write(pair.ends[1], vd_bytes("too", 3), &took), VD_OK));
	end(&pair);
}

Test(tls_stream, both_queues_are_bounded)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);
	static uint8_t bytes[100000];
	size_t took, total = 0, used;

	pair_run(&pair);
	while (security_write(pair.ends[0], vd_bytes(bytes, sizeof bytes), &took) == VD_OK)
		total += took;
	cr_assert(gt(sz, total, 65000));
	cr_assert(lt(sz, total, 100000));
	for (unsigned i = 0; i < 50; i++) {
		struct vd_bytes out = security_next_output(pair.ends[0]);

		cr_assert(eq(int, security_receive(pair.ends[1], out, &used), VD_OK));
		security_sent(pair.ends[0], used);
		(void)security_write(pair.ends[0], vd_bytes(bytes, sizeof bytes), &took);
	}
	cr_assert(zero(sz, used));
	cr_assert(lt(sz, security_input(pair.ends[1]).len, 100000));
	end(&pair);
}

Test(tls_stream, a_changed_record_fails_for_good)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);
	uint8_t bytes[200];
	size_t took, used;

	pair_run(&pair);
	cr_assert(eq(int, security_write(pair.ends[0], vd_bytes("hello", 5), &took), VD_OK));

	struct vd_bytes out = security_next_output(pair.ends[0]);

	memcpy(bytes, out.at, out.len);
	bytes[out.len - 1] ^= 1;
	cr_assert(eq(int, security_receive(pair.ends[1], vd_bytes(bytes, out.len), &used),
		     VD_EPEER_AUTH));
	cr_assert(eq(int, pair.ends[1]->state, SECURITY_FAILED));
	cr_assert(eq(int, security_receive(pair.ends[1], vd_bytes(bytes, out.len), &used),
		     VD_EBUG_STATE));
	end(&pair);
}

Test(tls_stream, what_is_not_tls_is_refused)
{
	static const char *const firsts[] = { "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
					      "\x13/multistream/1.0.0\n",
					      "\x16\x03\x01\xff\xff\x01\xff\xff\xff" };

	for (size_t i = 0; i < 3; i++) {
		struct security_pair pair = make_pair(yamux, yamux, NULL);
		size_t used;
		enum vd_err err =
		    security_receive(pair.ends[1], vd_bytes_of_text(firsts[i]), &used);

		cr_assert(eq(int, err, VD_EPEER_FORMAT), "row %zu", i);
		cr_assert(pair.ends[1]->reason != NULL);
		end(&pair);
	}
}

/* ---- a peer made of OpenSSL alone ---- */

struct peer {
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out;
	EVP_PKEY *key;
	X509 *certificate;
	struct vd_identity identity;
};

static struct peer peer;

static void make_peer(int64_t now)
{
	vd_identity_generate(&peer.identity);
	peer.context = trusting_tls_new();
	cr_assert(eq(int, tls_certificate_make(&peer.identity, now, &peer.key, &peer.certificate),
		     VD_OK));
	SSL_CTX_use_certificate(peer.context, peer.certificate);
	SSL_CTX_use_PrivateKey(peer.context, peer.key);
}

static void start_peer(bool client)
{
	peer.ssl = SSL_new(peer.context);
	peer.in = BIO_new(BIO_s_mem());
	peer.out = BIO_new(BIO_s_mem());
	SSL_set_bio(peer.ssl, peer.in, peer.out);
	if (client)
		SSL_set_connect_state(peer.ssl);
	else
		SSL_set_accept_state(peer.ssl);
}

/* Shakes hands with our end; returns what that made of it. */
static enum vd_err shake(struct security *s)
{
	enum vd_err err = VD_OK;

	for (unsigned i = 0; i < 8 && !err; i++) {
		struct vd_bytes out = security_next_output(s);
		char *bytes;
		size_t used;

		BIO_write(peer.in, out.at, (int)out.len);
		security_sent(s, out.len);
		(void)SSL_do_handshake(peer.ssl);

		long len = BIO_get_mem_data(peer.out, &bytes);

		if (len > 0)
			err = security_receive(s, vd_bytes(bytes, (size_t)len), &used);
		(void)BIO_reset(peer.out);
	}
	return err;
}

static void end_peer(struct security *s)
{
	security_free(s);
	SSL_free(peer.ssl);
	SSL_CTX_free(peer.context);
	X509_free(peer.certificate);
	EVP_PKEY_free(peer.key);
	tls_stream_config_free(hosts[0].tls);
	hosts[0].tls = NULL;
}

static struct security *our_end(enum tls_role role)
{
	make_host(&hosts[0], yamux, NOW);
	return tls_stream_new(hosts[0].tls, role, NULL, NOW);
}

Test(tls_peer, an_honest_one_is_known)
{
	struct security *s = our_end(TLS_SERVER);

	make_peer(NOW);
	start_peer(true);
	cr_assert(eq(int, shake(s), VD_OK));
	cr_assert(security_open(s));
	cr_assert(vd_peer_id_equal(&s->peer, &peer.identity.id));
	cr_assert(s->muxer == NULL); /* it offered no protocol at all */
	end_peer(s);
}

Test(tls_peer, a_client_without_certificate_is_refused)
{
	struct security *s = our_end(TLS_SERVER);

	make_peer(NOW);
	SSL_CTX_free(peer.context);
	peer.context = SSL_CTX_new(TLS_method());
	start_peer(true);
	cr_assert(eq(int, shake(s), VD_EPEER_AUTH));
	cr_assert(eq(str, (char *)s->reason, "no certificate"));
	end_peer(s);
}

Test(tls_peer, a_client_of_tls_1_2_is_refused)
{
	struct security *s = our_end(TLS_SERVER);

	make_peer(NOW);
	SSL_CTX_set_max_proto_version(peer.context, TLS1_2_VERSION);
	start_peer(true);
	cr_assert(eq(int, shake(s), VD_EPEER_FORMAT));
	end_peer(s);
}

Test(tls_peer, a_client_that_offers_other_protocols_alone_is_refused)
{
	struct security *s = our_end(TLS_SERVER);

	make_peer(NOW);
	SSL_CTX_set_alpn_protos(peer.context, (const uint8_t *)"\x02h2\x08http/1.1", 12);
	start_peer(true);
	cr_assert(eq(int, shake(s), VD_EPEER_UNSUPPORTED));
	end_peer(s);
}

static void assert_refused(enum tls_role role, enum vd_err want, const char *reason)
{
	struct security *s = our_end(role);

	start_peer(role == TLS_SERVER);
	cr_assert(eq(int, shake(s), want));
	cr_assert(eq(str, (char *)s->reason, (char *)reason));
	cr_assert(eq(int, s->state, SECURITY_FAILED));
	cr_assert(gt(sz, security_next_output(s).len, 0)); /* an alert */
	end_peer(s);
}

Test(tls_peer, two_certificates_are_refused_on_both_sides)
{
	for (unsigned role = 0; role < 2; role++) {
		make_peer(NOW);
		SSL_CTX_add1_chain_cert(peer.context, peer.certificate);
		assert_refused((enum tls_role)role, VD_EPEER_FORMAT, "more than one certificate");
	}
}

Test(tls_peer, an_expired_certificate_is_refused_on_both_sides)
{
	for (unsigned role = 0; role < 2; role++) {
		make_peer(NOW - INT64_C(101) * 31557600);
		assert_refused((enum tls_role)role, VD_EPEER_RANGE,
			       "a certificate that has expired");
	}
}

Test(tls_peer, a_certificate_without_identity_is_refused_on_both_sides)
{
	for (unsigned role = 0; role < 2; role++) {
		make_peer(NOW);
		X509_EXTENSION_free(X509_delete_ext(peer.certificate, 0));
		X509_sign(peer.certificate, peer.key, EVP_sha256());
		SSL_CTX_use_certificate(peer.context, peer.certificate);
		assert_refused((enum tls_role)role, VD_EPEER_FORMAT,
			       "a certificate without identity");
	}
}

Test(tls_peer, key_updates_without_end_do_not_grow_the_output)
{
	struct security *s = our_end(TLS_SERVER);
	size_t used, most = 0;

	make_peer(NOW);
	start_peer(true);
	cr_assert(eq(int, shake(s), VD_OK));
	for (unsigned i = 0; i < 20000; i++) {
		char *bytes;
		long len;

		cr_assert(eq(int, SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1));
		(void)SSL_do_handshake(peer.ssl);
		len = BIO_get_mem_data(peer.out, &bytes);
		if (security_receive(s, vd_bytes(bytes, (size_t)len), &used))
			break;
		(void)BIO_reset(peer.out);
		if (security_next_output(s).len > most)
			most = security_next_output(s).len;
	}
	cr_assert(lt(sz, most, 70000));
	end_peer(s);
}

Test(tls_stream, a_record_that_is_not_whole_is_counted)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);

	pair_run(&pair);
	for (size_t first = 1; first < 8; first++)
		pair_assert_begun_counts(&pair, first, 16384); /* OpenSSL's buffer */
	pair_assert_begun_counts(&pair, 15000, 16384);
	end(&pair);
}
