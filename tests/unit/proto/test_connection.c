/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/connection.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <time.h>

#include "base/init.h"
#include "controlplane/proto/noise_stream.h"
#include "controlplane/proto/tls_stream.h"
#include "controlplane/proto/yamux.h"

/* One side: an identity and the layers it has. */
struct side {
	struct vd_identity identity;
	struct security_config security;
	struct noise_stream_config noise;
	struct tls_stream_config *tls;
	struct connection_layers layers;
	struct connection c;
};

static struct side a, b;
static const char *const told[] = { "/yamux/1.0.0", NULL };
static const char *const not_told[] = { NULL };

static struct security *make_noise(const void *config, bool dialer,
				   const struct vd_peer_id *expected)
{
	return noise_stream_new(config, dialer ? NOISE_INITIATOR : NOISE_RESPONDER, expected);
}

static struct security *make_tls(const void *config, bool dialer, const struct vd_peer_id *expected)
{
	return tls_stream_new((struct tls_stream_config *)(uintptr_t)config,
			      dialer ? TLS_CLIENT : TLS_SERVER, expected, time(NULL));
}

static struct muxer *make_yamux(const void *config, bool dialer, vd_ns now)
{
	return yamux_new(config, dialer ? YAMUX_CLIENT : YAMUX_SERVER, now);
}

static void add(struct side *side, const char *protocol,
		struct security *(*make)(const void *, bool, const struct vd_peer_id *),
		const void *config)
{
	size_t at = 0;

	while (side->layers.security_names[at])
		at++;
	side->layers.securities[at] = (struct connection_security){ protocol, make, config };
	side->layers.security_names[at] = protocol;
}

static void begin(struct side *side, const char *const *muxers)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	*side = (struct side){ 0 };
	vd_identity_generate(&side->identity);
	side->security = (struct security_config){ &side->identity, muxers };
	noise_stream_config_init(&side->noise, &side->security);
	side->tls = tls_stream_config_new(&side->security, time(NULL));
	side->layers.muxers[0] =
	    (struct connection_muxer){ "/yamux/1.0.0", make_yamux, &yamux_defaults };
	side->layers.muxer_names[0] = "/yamux/1.0.0";
}

static void dial(const struct vd_peer_id *expected)
{
	connection_init(&a.c, &a.layers, true, expected);
	connection_init(&b.c, &b.layers, false, NULL);
}

static void end(void)
{
	connection_fini(&a.c);
	connection_fini(&b.c);
	tls_stream_config_free(a.tls);
	tls_stream_config_free(b.tls);
	noise_stream_config_fini(&a.noise);
	noise_stream_config_fini(&b.noise);
}

/* Moves what `from` has to say, at most `step` bytes at a time. */
static enum vd_err carry(struct connection *from, struct connection *to, size_t step, bool *any)
{
	struct vd_bytes out;

	while ((out = connection_next_output(from, 1)).len) {
		uint8_t wire[4096];
		size_t len = out.len < step ? out.len : step, used = 0;
		enum vd_err err;

		*any = true;
		memcpy(wire, out.at, len);
		connection_sent(from, len);
		err = connection_receive(to, vd_bytes(wire, len), &used, 1);
		if (err)
			return err;
		cr_assert(eq(sz, used, len));
	}
	return VD_OK;
}

/* Until both are silent, or one fails. */
static enum vd_err settle(size_t step)
{
	enum vd_err err = VD_OK;
	bool any = true;

	while (any && !err) {
		any = false;
		err = carry(&a.c, &b.c, step, &any);
		if (!err)
			err = carry(&b.c, &a.c, step, &any);
	}
	return err;
}

static void assert_open(const char *security)
{
	cr_assert(connection_is_open(&a.c));
	cr_assert(connection_is_open(&b.c));
	cr_assert(eq(str, (char *)a.c.security->class->protocol, (char *)security));
	cr_assert(vd_peer_id_equal(&a.c.security->peer, &b.identity.id));
	cr_assert(vd_peer_id_equal(&b.c.security->peer, &a.identity.id));
}

/* ---- what is agreed on ---- */

Test(connection, opens_over_noise_whatever_the_pieces)
{
	for (size_t step = 1; step < 100; step += 7) {
		begin(&a, told);
		begin(&b, told);
		add(&a, "/noise", make_noise, &a.noise);
		add(&b, "/noise", make_noise, &b.noise);
		dial(&b.identity.id);
		cr_assert(eq(int, settle(step), VD_OK));
		assert_open("/noise");
		end();
	}
}

Test(connection, opens_over_tls)
{
	begin(&a, told);
	begin(&b, told);
	add(&a, "/tls/1.0.0", make_tls, a.tls);
	add(&b, "/tls/1.0.0", make_tls, b.tls);
	dial(&b.identity.id);
	cr_assert(eq(int, settle(999), VD_OK));
	assert_open("/tls/1.0.0");
	end();
}

Test(connection, takes_the_dialers_first_channel_that_both_have)
{
	begin(&a, told);
	begin(&b, told);
	add(&a, "/tls/1.0.0", make_tls, a.tls);
	add(&a, "/noise", make_noise, &a.noise);
	add(&b, "/noise", make_noise, &b.noise);
	dial(NULL);
	cr_assert(eq(int, settle(4096), VD_OK));
	assert_open("/noise");
	end();
}

Test(connection, negotiates_the_muxer_when_the_handshake_did_not)
{
	begin(&a, not_told);
	begin(&b, told);
	add(&a, "/noise", make_noise, &a.noise);
	add(&b, "/noise", make_noise, &b.noise);
	dial(NULL);
	cr_assert(eq(int, settle(50), VD_OK));
	cr_assert(a.c.security->muxer == NULL);
	assert_open("/noise");
	end();
}

static void open_ab(void)
{
	begin(&a, told);
	begin(&b, told);
	add(&a, "/noise", make_noise, &a.noise);
	add(&b, "/noise", make_noise, &b.noise);
	dial(NULL);
	cr_assert(eq(int, settle(4096), VD_OK));
}

Test(connection, carries_a_stream)
{
	struct muxer_stream *stream;
	struct muxer_event event;
	size_t took;

	open_ab();
	cr_assert(eq(int, muxer_open(a.c.muxer, &stream), VD_OK));
	cr_assert(eq(int, muxer_write(stream, vd_bytes("hello", 5), &took), VD_OK));
	cr_assert(eq(int, settle(3), VD_OK));
	event = connection_next(&b.c);
	cr_assert(eq(int, event.what, MUXER_STREAM));
	cr_assert(vd_bytes_equal(muxer_read(event.stream), vd_bytes("hello", 5)));
	end();
}

static void write_frame(struct vd_write *w, uint8_t type, uint32_t id, uint32_t length)
{
	vd_write_u8(w, 0);
	vd_write_u8(w, type);
	vd_write_be16(w, 1); /* SYN */
	vd_write_be32(w, id);
	vd_write_be32(w, length);
}

/* Sealed by a into `wire`. */
static void seal(struct vd_write *wire, struct vd_bytes plain)
{
	struct vd_read r = vd_read_of(plain);

	while (vd_read_left(&r)) {
		struct vd_bytes part =
		    vd_read_bytes(&r, vd_read_left(&r) < 4096 ? vd_read_left(&r) : 4096);
		struct vd_bytes out;
		size_t took;

		cr_assert(eq(int, security_write(a.c.security, part, &took), VD_OK));
		cr_assert(eq(sz, took, part.len));
		out = security_next_output(a.c.security);
		vd_write_bytes(wire, out);
		security_sent(a.c.security, out.len);
	}
}

/* As many answers as may wait, and more than a channel keeps: once they went, all of it goes. */
Test(connection, what_waited_makes_room_for_what_waits_before_the_channel)
{
	enum { PINGS = 1024, BODY = 200 * 1024, DATA = 0, PING = 2 };
	static uint8_t plain[PINGS * 12 + 12 + BODY + 12], wire[2 * sizeof plain];
	struct vd_write p = vd_write_to(plain, sizeof plain), w = vd_write_to(wire, sizeof wire);
	struct vd_bytes out;
	size_t used, rest;

	open_ab();
	for (uint32_t i = 0; i < PINGS; i++)
		write_frame(&p, PING, 0, i);
	write_frame(&p, DATA, 1, BODY);
	vd_write_zeros(&p, BODY);
	write_frame(&p, DATA, 3, 0);
	seal(&w, vd_write_done(&p));
	cr_assert(eq(int, connection_receive(&b.c, vd_write_done(&w), &used, 1), VD_OK));
	rest = vd_write_len(&w) - used;
	cr_assert(gt(sz, rest, 0));
	while ((out = connection_next_output(&b.c, 1)).len)
		connection_sent(&b.c, out.len);
	cr_assert(eq(int, connection_receive(&b.c, vd_bytes(wire + used, rest), &used, 1), VD_OK));
	cr_assert(eq(sz, used, rest));
	for (unsigned streams = 0; streams < 2;) {
		struct muxer_event event = connection_next(&b.c);

		cr_assert(ne(int, event.what, MUXER_NOTHING));
		streams += event.what == MUXER_STREAM;
	}
	end();
}

/* ---- no memory on the way out ---- */

static enum vd_err write_nothing(struct security *security, struct vd_bytes plain, size_t *took_out)
{
	(void)security;
	(void)plain;
	*took_out = 0;
	return VD_ENOMEM;
}

static struct vd_bytes fail_instead(struct muxer *muxer, vd_ns now)
{
	(void)now;
	muxer->reason = "out of memory";
	return vd_bytes(NULL, 0);
}

Test(connection, a_channel_that_cannot_seal_fails_it)
{
	struct security_class broken;
	struct muxer_stream *stream;

	open_ab();
	broken = *a.c.security->class;
	broken.write = write_nothing;
	a.c.security->class = &broken;
	cr_assert(eq(int, muxer_open(a.c.muxer, &stream), VD_OK));
	cr_assert(zero(sz, connection_next_output(&a.c, 1).len));
	cr_assert(eq(int, a.c.state, CONNECTION_FAILED));
	cr_assert(eq(int, a.c.err, VD_ENOMEM));
	cr_assert(eq(str, (char *)a.c.reason, (char *)vd_err_text(VD_ENOMEM)));
	end();
}

Test(connection, a_muxer_that_fails_as_it_writes_fails_it)
{
	struct muxer_class broken;

	open_ab();
	broken = *a.c.muxer->class;
	broken.next_output = fail_instead;
	a.c.muxer->class = &broken;
	cr_assert(zero(sz, connection_next_output(&a.c, 1).len));
	cr_assert(eq(int, a.c.state, CONNECTION_FAILED));
	cr_assert(eq(str, (char *)a.c.reason, (char *)"out of memory"));
	end();
}

/* ---- what is refused ---- */

Test(connection, another_peer_than_was_dialled_is_refused)
{
	for (unsigned tls = 0; tls < 2; tls++) {
		begin(&a, told);
		begin(&b, told);
		if (tls) {
			add(&a, "/tls/1.0.0", make_tls, a.tls);
			add(&b, "/tls/1.0.0", make_tls, b.tls);
		} else {
			add(&a, "/noise", make_noise, &a.noise);
			add(&b, "/noise", make_noise, &b.noise);
		}
		dial(&a.identity.id);
		cr_assert(eq(int, settle(4096), VD_EPEER_AUTH));
		cr_assert(eq(int, a.c.state, CONNECTION_FAILED));
		cr_assert(a.c.reason != NULL);
		end();
	}
}

Test(connection, no_channel_in_common_is_refused)
{
	begin(&a, told);
	begin(&b, told);
	add(&a, "/tls/1.0.0", make_tls, a.tls);
	add(&b, "/noise", make_noise, &b.noise);
	dial(NULL);
	cr_assert(eq(int, settle(4096), VD_EPEER_REFUSED));
	end();
}

Test(connection, http_is_refused_at_its_first_bytes)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: example\r\n\r\n";
	size_t used;

	begin(&a, told);
	begin(&b, told);
	add(&b, "/noise", make_noise, &b.noise);
	connection_init(&a.c, &b.layers, true, NULL);
	connection_init(&b.c, &b.layers, false, NULL);
	cr_assert(ne(int, connection_receive(&b.c, vd_bytes_of_text(http), &used, 1), VD_OK));
	cr_assert(eq(int, b.c.state, CONNECTION_FAILED));
	cr_assert(eq(int, connection_receive(&b.c, vd_bytes(NULL, 0), &used, 1), VD_EBUG_STATE));
	end();
}

Test(connection, a_flipped_bit_anywhere_never_opens_another_connection)
{
	for (size_t flip = 0; flip < 600; flip += 3) {
		uint8_t wire[4096];
		size_t at = 0, used = 0;
		enum vd_err err = VD_OK;
		bool any = true;

		begin(&a, told);
		begin(&b, told);
		add(&a, "/noise", make_noise, &a.noise);
		add(&b, "/noise", make_noise, &b.noise);
		dial(&b.identity.id);
		while (any && !err) {
			struct vd_bytes out = connection_next_output(&a.c, 1);

			any = out.len > 0;
			if (any)
				memcpy(wire, out.at, out.len);
			if (flip >= at && flip < at + out.len)
				wire[flip - at] ^= 1;
			at += out.len;
			connection_sent(&a.c, out.len);
			if (any)
				err = connection_receive(&b.c, vd_bytes(wire, out.len), &used, 1);
			if (!err)
				err = carry(&b.c, &a.c, sizeof wire, &any);
		}
		if (connection_is_open(&b.c))
			cr_assert(vd_peer_id_equal(&b.c.security->peer, &a.identity.id));
		end();
	}
}
