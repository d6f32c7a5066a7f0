/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/noise_stream.h"

#include <sodium.h>

#include "controlplane/proto/noise_hello.h"
#include "tests/unit/base/vectors.h"
#include "tests/unit/proto/security_pair.h"

static const char *const yamux[] = { "/yamux/1.0.0", NULL };
static const char *const both[] = { "/mplex/6.7.0", "/yamux/1.0.0", NULL };
static const char *const swapped[] = { "/yamux/1.0.0", "/mplex/6.7.0", NULL };
static const char *const none[] = { NULL };

struct host {
	struct vd_identity identity;
	struct security_config security;
	struct noise_stream_config noise;
};

static struct host hosts[2];

static void make_host(struct host *host, const char *const *muxers)
{
	vd_identity_generate(&host->identity);
	host->security = (struct security_config){ &host->identity, muxers };
	noise_stream_config_init(&host->noise, &host->security);
}

static struct security_pair make_pair(const char *const *ours, const char *const *theirs,
				      const struct vd_peer_id *expected)
{
	make_host(&hosts[0], ours);
	make_host(&hosts[1], theirs);
	return (struct security_pair){
		.ends = { noise_stream_new(&hosts[0].noise, NOISE_INITIATOR, expected),
			  noise_stream_new(&hosts[1].noise, NOISE_RESPONDER, NULL) },
	};
}

Test(noise_stream, both_ends_know_each_other_after_the_handshake)
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
	pair_free(&pair);
}

/* libp2p/specs, connections/inlined-muxer-negotiation, the example. */
Test(noise_stream, the_initiators_first_muxer_that_both_have_is_chosen)
{
	struct security_pair pair = make_pair(swapped, both, NULL);

	pair_run(&pair);
	cr_assert(eq(str, (char *)pair.ends[0]->muxer, "/yamux/1.0.0"));
	cr_assert(eq(str, (char *)pair.ends[1]->muxer, "/yamux/1.0.0"));
	pair_free(&pair);
}

Test(noise_stream, without_a_list_the_muxer_is_left_open)
{
	struct security_pair pair = make_pair(yamux, none, NULL);

	pair_run(&pair);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(security_open(pair.ends[i]));
		cr_assert(pair.ends[i]->muxer == NULL);
	}
	pair_free(&pair);
}

Test(noise_stream, no_muxer_in_common_fails)
{
	static const char *const other[] = { "/other", NULL };
	struct security_pair pair = make_pair(yamux, other, NULL);

	pair_run(&pair);
	cr_assert(eq(int, pair.err[0], VD_EPEER_UNSUPPORTED));
	cr_assert(not(security_open(pair.ends[1])));
	pair_free(&pair);
}

Test(noise_stream, the_dialled_peer_is_accepted)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);

	security_free(pair.ends[0]);
	pair.ends[0] = noise_stream_new(&hosts[0].noise, NOISE_INITIATOR, &hosts[1].identity.id);
	pair_run(&pair);
	cr_assert(security_open(pair.ends[0]));
	pair_free(&pair);
}

Test(noise_stream, another_peer_than_dialled_is_refused_and_learns_nothing)
{
	struct vd_identity stranger;
	struct security_pair pair;

	vd_identity_generate(&stranger);
	pair = make_pair(yamux, yamux, &stranger.id);
	pair_run(&pair);
	cr_assert(eq(int, pair.err[0], VD_EPEER_AUTH));
	cr_assert(eq(int, pair.ends[0]->state, SECURITY_FAILED));
	cr_assert(eq(str, (char *)pair.ends[0]->reason, "another peer than was dialled"));
	cr_assert(eq(u64, pair.carried[0], 34)); /* message 1 alone */
	cr_assert(not(security_open(pair.ends[1])));
	pair_free(&pair);
}

Test(noise_stream, bytes_arrive_in_order_however_they_are_cut)
{
	static const size_t pieces[] = { 0, 1, 2, 7, 1000, 65536 };

	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		struct security_pair pair = make_pair(yamux, yamux, NULL);

		pair.piece = pieces[i];
		pair_run(&pair);
		pair_transfer(&pair, 0, pieces[i] && pieces[i] < 100 ? 20000 : 1000000);
		pair_transfer(&pair, 1, pieces[i] && pieces[i] < 100 ? 20000 : 1000000);
		pair_free(&pair);
	}
}

Test(noise_stream, nothing_is_written_before_it_is_open)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);
	size_t took = 9;

	cr_assert(eq(int, security_write(pair.ends[0], vd_bytes("x", 1), &took), VD_AGAIN));
	cr_assert(eq(sz, took, 0));
	pair_free(&pair);
}

Test(noise_stream, both_queues_are_bounded)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);
	static uint8_t bytes[100000];
	size_t took, total = 0, used;

	pair_run(&pair);
	while (security_write(pair.ends[0], vd_bytes(bytes, sizeof bytes), &took) == VD_OK)
		total += took;
	cr_assert(gt(sz, total, 65000));
	cr_assert(lt(sz, total, 140000));
	cr_assert(lt(sz, security_next_output(pair.ends[0]).len, 140000));
	for (unsigned i = 0; i < 50; i++) {
		struct vd_bytes out = security_next_output(pair.ends[0]);

		cr_assert(eq(int, security_receive(pair.ends[1], out, &used), VD_OK));
		security_sent(pair.ends[0], used);
		(void)security_write(pair.ends[0], vd_bytes(bytes, sizeof bytes), &took);
	}
	cr_assert(eq(sz, used, 0));
	cr_assert(lt(sz, security_input(pair.ends[1]).len, 140000));
	pair_free(&pair);
}

/* A responder written from the specification, on noise.h and libsodium alone. */
struct by_hand {
	struct noise noise;
	struct noise_keys keys;
	uint64_t n;
};

static void by_hand_answer(struct by_hand *hand, struct security *initiator,
			   struct vd_bytes payload)
{
	struct vd_bytes out = security_next_output(initiator);
	struct noise_keypair pair;
	uint8_t message[2048], ignored[64];
	size_t len, used;

	noise_keypair_generate(&pair);
	memcpy(&pair, &hosts[1].noise.static_key, sizeof pair);
	noise_init(&hand->noise, NOISE_RESPONDER, vd_bytes(NULL, 0), &pair);
	cr_assert(eq(sz, vd_be16_load(out.at), 32));
	cr_assert(eq(int,
		     noise_read(&hand->noise, vd_bytes(out.at + 2, out.len - 2), ignored,
				sizeof ignored, &len),
		     VD_OK));
	security_sent(initiator, out.len);
	cr_assert(eq(int, noise_write(&hand->noise, payload, message + 2, sizeof message - 2, &len),
		     VD_OK));
	vd_be16_store(message, (uint16_t)len);
	(void)security_receive(initiator, vd_bytes(message, len + 2), &used);
}

static struct vd_bytes honest_payload(uint8_t out[NOISE_HELLO_MAX])
{
	struct vd_write w = vd_write_to(out, NOISE_HELLO_MAX);

	cr_assert(
	    eq(int, noise_hello_write(&w, &hosts[1].security, hosts[1].noise.signature), VD_OK));
	return vd_write_done(&w);
}

static void by_hand_finish(struct by_hand *hand, struct security *initiator)
{
	struct vd_bytes out = security_next_output(initiator);
	uint8_t payload[NOISE_HELLO_MAX];
	size_t len;

	cr_assert(eq(sz, vd_be16_load(out.at), out.len - 2));
	cr_assert(eq(int,
		     noise_read(&hand->noise, vd_bytes(out.at + 2, out.len - 2), payload,
				sizeof payload, &len),
		     VD_OK));
	security_sent(initiator, out.len);
	cr_assert(eq(int, noise_split(&hand->noise, &hand->keys), VD_OK));
}

static struct vd_bytes by_hand_record(struct by_hand *hand, struct vd_bytes plain,
				      uint8_t record[256])
{
	uint8_t nonce[12] = { 0 };

	memcpy(nonce + 4, &hand->n, 8);
	hand->n++;
	vd_be16_store(record, (uint16_t)(plain.len + 16));
	crypto_aead_chacha20poly1305_ietf_encrypt(record + 2, NULL, plain.at, plain.len, NULL, 0,
						  NULL, nonce, hand->keys.send);
	return vd_bytes(record, plain.len + 18);
}

static enum vd_err by_hand_send(struct by_hand *hand, struct security *to, struct vd_bytes plain)
{
	uint8_t record[256];
	size_t used;

	return security_receive(to, by_hand_record(hand, plain, record), &used);
}

static struct security *dialled_by_hand(struct by_hand *hand)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);
	uint8_t payload[NOISE_HELLO_MAX];

	security_free(pair.ends[1]);
	*hand = (struct by_hand){ .n = 0 };
	by_hand_answer(hand, pair.ends[0], honest_payload(payload));
	by_hand_finish(hand, pair.ends[0]);
	return pair.ends[0];
}

Test(noise_stream, records_are_as_the_specification_says)
{
	struct by_hand hand;
	struct security *s = dialled_by_hand(&hand);
	uint8_t plain[64], nonce[12] = { 0 };
	size_t took;

	cr_assert(eq(int, by_hand_send(&hand, s, vd_bytes("abc", 3)), VD_OK));
	cr_assert(eq(int, by_hand_send(&hand, s, vd_bytes("", 0)), VD_OK));
	cr_assert(eq(int, by_hand_send(&hand, s, vd_bytes("de", 2)), VD_OK));
	assert_bytes(security_input(s), vd_bytes("abcde", 5));
	cr_assert(eq(int, security_write(s, vd_bytes("hello", 5), &took), VD_OK));

	struct vd_bytes out = security_next_output(s);

	cr_assert(eq(sz, out.len, 2 + 5 + 16));
	cr_assert(eq(u16, vd_be16_load(out.at), 21));
	cr_assert(
	    zero(int, crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL, out.at + 2, 21,
								NULL, 0, nonce, hand.keys.recv)));
	assert_bytes(vd_bytes(plain, 5), vd_bytes("hello", 5));
	security_free(s);
}

Test(noise_stream, a_changed_repeated_or_short_record_fails_for_good)
{
	static const uint8_t short_record[] = {
		0, 15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6
	};

	for (unsigned how = 0; how < 3; how++) {
		struct by_hand hand;
		struct security *s = dialled_by_hand(&hand);
		size_t used;
		enum vd_err err;

		cr_assert(eq(int, by_hand_send(&hand, s, vd_bytes("abc", 3)), VD_OK));
		if (how == 0)
			hand.keys.send[0] ^= 1;
		if (how == 1)
			hand.n = 0;
		err = how == 2
			  ? security_receive(s, vd_bytes(short_record, sizeof short_record), &used)
			  : by_hand_send(&hand, s, vd_bytes("abc", 3));
		cr_assert(eq(int, err, how == 2 ? VD_EPEER_FORMAT : VD_EPEER_AUTH));
		cr_assert(eq(int, s->state, SECURITY_FAILED));
		assert_bytes(security_input(s), vd_bytes("abc", 3));
		cr_assert(eq(int, by_hand_send(&hand, s, vd_bytes("abc", 3)), VD_EBUG_STATE));
		security_free(s);
	}
}

/* Byte after byte; how many were taken without error. */
static size_t receive_bytes(struct security *s, struct vd_bytes bytes, enum vd_err *err_out)
{
	size_t used;

	for (size_t i = 0; i < bytes.len; i++) {
		*err_out = security_receive(s, vd_bytes(bytes.at + i, 1), &used);
		if (*err_out)
			return i;
	}
	return bytes.len;
}

Test(noise_stream, a_record_in_parts_is_handed_out_once_it_is_whole)
{
	struct by_hand hand;
	struct security *s = dialled_by_hand(&hand);
	uint8_t room[256];
	struct vd_bytes record;
	enum vd_err err = VD_OK;

	for (unsigned i = 0; i < 2; i++) { /* the second while the first waits */
		record = by_hand_record(&hand, vd_bytes("abc", 3), room);
		(void)receive_bytes(s, vd_bytes(record.at, record.len - 1), &err);
		cr_assert(eq(int, err, VD_OK));
		assert_bytes(security_input(s), vd_bytes("abc", i ? 3 : 0));
		(void)receive_bytes(s, vd_bytes(record.at + record.len - 1, 1), &err);
		cr_assert(eq(int, err, VD_OK));
	}
	assert_bytes(security_input(s), vd_bytes("abcabc", 6));
	record = by_hand_record(&hand, vd_bytes("", 0), room);
	cr_assert(eq(sz, receive_bytes(s, record, &err), record.len));
	assert_bytes(security_input(s), vd_bytes("abcabc", 6));
	security_free(s);
}

Test(noise_stream, a_record_in_parts_that_is_changed_is_never_handed_out)
{
	struct by_hand hand;
	struct security *s = dialled_by_hand(&hand);
	uint8_t room[256];
	struct vd_bytes record = by_hand_record(&hand, vd_bytes("abc", 3), room);
	enum vd_err err;

	room[4] ^= 1;
	cr_assert(eq(sz, receive_bytes(s, record, &err), record.len - 1));
	cr_assert(eq(int, err, VD_EPEER_AUTH));
	cr_assert(zero(sz, security_input(s).len));
	security_free(s);
}

Test(noise_stream, a_short_record_in_parts_fails_at_its_length)
{
	static const uint8_t short_record[] = { 0, 15, 1, 2 };
	struct by_hand hand;
	struct security *s = dialled_by_hand(&hand);
	enum vd_err err;

	cr_assert(eq(sz, receive_bytes(s, vd_bytes(short_record, 4), &err), 1));
	cr_assert(eq(int, err, VD_EPEER_FORMAT));
	security_free(s);
}

static enum vd_err payload_verdict(struct vd_bytes payload)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);
	uint8_t own[NOISE_HELLO_MAX];
	struct by_hand hand;

	security_free(pair.ends[1]);
	if (!payload.at)
		payload = honest_payload(own);
	by_hand_answer(&hand, pair.ends[0], payload);

	bool failed = pair.ends[0]->state == SECURITY_FAILED;
	bool silent = security_next_output(pair.ends[0]).len == 0;

	cr_assert(eq(int, failed, silent)); /* who failed sends no message 3 */
	security_free(pair.ends[0]);
	return failed ? VD_EPEER_AUTH : VD_OK;
}

Test(noise_stream, a_payload_without_or_with_anothers_identity_is_refused)
{
	uint8_t payload[NOISE_HELLO_MAX];

	cr_assert(eq(int, payload_verdict(vd_bytes(NULL, 0)), VD_OK));
	cr_assert(eq(int, payload_verdict(vd_bytes("", 0)), VD_EPEER_AUTH));
	cr_assert(eq(int, payload_verdict(vd_bytes("\x0a\x7f", 2)), VD_EPEER_AUTH));
	/* make_pair draws new keys each time, so this one's signature is of another static key. */
	make_host(&hosts[1], yamux);
	cr_assert(eq(int, payload_verdict(honest_payload(payload)), VD_EPEER_AUTH));
}

static enum vd_err first_bytes(const void *bytes, size_t len)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);
	size_t used;
	enum vd_err err = security_receive(pair.ends[1], vd_bytes(bytes, len), &used);

	cr_assert(eq(sz, security_next_output(pair.ends[1]).len, 0));
	pair_free(&pair);
	return err;
}

Test(noise_stream, what_is_no_handshake_is_refused_early)
{
	static const uint8_t low_order[34] = { 0, 32 };

	cr_assert(eq(int, first_bytes("GET / HTTP/1.1\r\n", 16), VD_EPEER_RANGE));
	cr_assert(
	    eq(int, first_bytes("\x00\x1f 0123456789012345678901234567890", 33), VD_EPEER_TRUNC));
	cr_assert(eq(int, first_bytes("\x00\x00", 2), VD_EPEER_TRUNC));
	cr_assert(eq(int, first_bytes("\x10\x01", 2), VD_EPEER_RANGE));
	cr_assert(eq(int, first_bytes("\x00\x20 waits", 8), VD_OK));
	cr_assert(eq(int, first_bytes(low_order, sizeof low_order), VD_EPEER_AUTH));
}

Test(noise_hello, known_and_unknown_fields_are_read_as_protobuf_asks)
{
	struct noise_hello hello;
	/* key "k", sig "s", data = 3 (as older peers sent), extensions { certhash, "/a", "/b" }. */
	static const uint8_t in[] =
	    "\x0a\x01k\x12\x01s\x1a\x01x\x22\x0b\x0a\x01h\x12\x02/a\x12\x02/b";

	cr_assert(eq(int, noise_hello_read(vd_bytes(in, sizeof in - 1), &hello), VD_OK));
	assert_bytes(hello.identity_key, vd_bytes("k", 1));
	assert_bytes(hello.identity_sig, vd_bytes("s", 1));
	cr_assert(eq(u32, hello.muxer_count, 2));
	assert_bytes(hello.muxers[1], vd_bytes("/b", 2));
	for (size_t len = 1; len < sizeof in - 1; len++)
		if (len != 3 && len != 6 && len != 9)
			cr_assert(ne(int, noise_hello_read(vd_bytes(in, len), &hello), VD_OK));
}

Test(noise_hello, further_muxers_are_passed_over)
{
	uint8_t in[2 + 40 * 4];
	struct noise_hello hello;

	in[0] = 0x22;
	in[1] = 39 * 3;
	for (unsigned i = 0; i < 39; i++)
		memcpy(in + 2 + 3 * i, "\x12\x01m", 3);
	cr_assert(eq(int, noise_hello_read(vd_bytes(in, 2 + 39 * 3), &hello), VD_OK));
	cr_assert(eq(u32, hello.muxer_count, SECURITY_MUXERS));
}

Test(noise_stream, a_record_that_is_not_whole_is_counted)
{
	struct security_pair pair = make_pair(yamux, yamux, NULL);

	pair_run(&pair);
	pair_assert_begun_counts(&pair, 100, 98);
	pair_assert_begun_counts(&pair, 15000, 14998);
	pair_free(&pair);
}
