/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/unit/host/attacker.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/proto/yamux.h"

static struct security *make_noise(const void *config, bool dialer,
				   const struct vd_peer_id *expected)
{
	return noise_stream_new(config, dialer ? NOISE_INITIATOR : NOISE_RESPONDER, expected);
}

static struct muxer *make_yamux(const void *config, bool dialer, vd_ns now)
{
	return yamux_new(config, dialer ? YAMUX_CLIENT : YAMUX_SERVER, now);
}

static void make_layers(struct attacker *attacker, const struct vd_identity *identity)
{
	static const char *const muxers[] = { "/yamux/1.0.0", NULL };

	if (!identity)
		vd_identity_generate(&attacker->identity);
	attacker->security =
	    (struct security_config){ .identity = identity ? identity : &attacker->identity,
				      .muxers = muxers };
	noise_stream_config_init(&attacker->noise, &attacker->security);
	attacker->layers = (struct connection_layers){
		.securities = { { "/noise", make_noise, &attacker->noise } },
		.security_names = { "/noise" },
		.muxers = { { "/yamux/1.0.0", make_yamux, &yamux_defaults } },
		.muxer_names = { "/yamux/1.0.0" },
	};
	connection_init(&attacker->machine, &attacker->layers, true, NULL);
}

void attacker_connect(struct attacker *attacker, struct pair *pair)
{
	attacker_connect_as(attacker, pair, INADDR_LOOPBACK, NULL);
}

void attacker_connect_as(struct attacker *attacker, struct pair *pair, uint32_t from,
			 const struct vd_identity *identity)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(from) };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)pair->port_b),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*attacker = (struct attacker){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	cr_assert(ge(int, attacker->fd, 0));
	cr_assert(eq(int, bind(attacker->fd, (const struct sockaddr *)&own, sizeof own), 0));
	/* The kernel accepts; the loop need not turn. */
	cr_assert(eq(int, connect(attacker->fd, (const struct sockaddr *)&to, sizeof to), 0));
	fcntl(attacker->fd, F_SETFL, O_NONBLOCK);
	make_layers(attacker, identity);
}

void attacker_end(struct attacker *attacker)
{
	connection_fini(&attacker->machine);
	noise_stream_config_fini(&attacker->noise);
	close(attacker->fd);
}

size_t attacker_say(struct attacker *attacker, struct vd_bytes bytes)
{
	ssize_t sent = send(attacker->fd, bytes.at, bytes.len, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		attacker->cut = true;
	return sent > 0 ? (size_t)sent : 0;
}

/* -1: nothing now; 0: the end. */
static ssize_t hear(struct attacker *attacker, uint8_t *buffer, size_t cap)
{
	ssize_t got = recv(attacker->fd, buffer, cap, 0);

	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		attacker->cut = true;
		return 0;
	}
	return got;
}

bool attacker_is_cut(struct attacker *attacker)
{
	static uint8_t buffer[65536];

	while (!attacker->cut && hear(attacker, buffer, sizeof buffer) > 0)
		;
	return attacker->cut;
}

/* False: the rest of what is sealed waits. */
static bool flush(struct attacker *attacker)
{
	struct vd_bytes out;

	while ((out = security_next_output(attacker->machine.security)).len) {
		size_t took = attacker_say(attacker, out);

		security_sent(attacker->machine.security, took);
		if (took < out.len)
			return false;
	}
	return !attacker->cut;
}

static void exchange(struct attacker *attacker)
{
	uint8_t buffer[4096];
	struct vd_bytes out;
	ssize_t got;
	size_t used;

	while ((out = connection_next_output(&attacker->machine, vd_now())).len)
		connection_sent(&attacker->machine, attacker_say(attacker, out));
	while (!attacker->cut && (got = hear(attacker, buffer, sizeof buffer)) > 0)
		cr_assert(eq(int,
			     connection_receive(&attacker->machine, vd_bytes(buffer, (size_t)got),
						&used, vd_now()),
			     VD_OK));
}

void attacker_negotiate(struct attacker *attacker, struct pair *pair)
{
	vd_ns until = vd_now() + VD_SECONDS(PAIR_WAIT_S);

	while (!connection_is_open(&attacker->machine) && vd_now() < until) {
		exchange(attacker);
		pair_turn(pair);
	}
	cr_assert(connection_is_open(&attacker->machine));
	exchange(attacker);
}

void attacker_write_frame(struct vd_write *w, unsigned type, unsigned flags, uint32_t id,
			  uint32_t length)
{
	vd_write_u8(w, 0);
	vd_write_u8(w, (uint8_t)type);
	vd_write_be16(w, (uint16_t)flags);
	vd_write_be32(w, id);
	vd_write_be32(w, length);
}

bool attacker_frame(struct attacker *attacker, unsigned type, unsigned flags, uint32_t id,
		    uint32_t length, struct vd_bytes body)
{
	uint8_t frame[12 + 4096];
	struct vd_write w = vd_write_to(frame, sizeof frame);
	size_t took;

	if (!flush(attacker))
		return false;
	attacker_write_frame(&w, type, flags, id, length);
	vd_write_bytes(&w, body);
	cr_assert(eq(int, vd_write_end(&w), VD_OK));
	cr_assert(
	    eq(int, security_write(attacker->machine.security, vd_write_done(&w), &took), VD_OK));
	cr_assert(eq(sz, took, vd_write_len(&w)));
	return flush(attacker);
}
