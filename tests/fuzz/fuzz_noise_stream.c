/* Targets: controlplane/proto/noise_stream.c, noise_hello.c: handshakes and records */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <sodium.h>
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/noise_hello.h"
#include "controlplane/proto/noise_stream.h"

/*
 * The first byte chooses: 0, 1: bytes of the wire to a responder, an initiator; 2: a payload of
 * message 2 under a good handshake; 3: bytes to an open channel; in the rest of it, how they are
 * cut.
 */
static struct vd_identity identity;
static const char *const muxers[] = { "/yamux/1.0.0", NULL };
static const struct security_config security = { &identity, muxers };
static struct noise_stream_config config;

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void feed(struct security *s, struct vd_bytes in, size_t piece)
{
	enum vd_err err = VD_OK;

	while (in.len && !err) {
		size_t len = in.len < piece ? in.len : piece, used;

		err = security_receive(s, vd_bytes(in.at, len), &used);
		expect(used <= len);
		expect(!err || (s->state == SECURITY_FAILED && s->reason));
		if (used == 0)
			security_taken(s, security_input(s).len);
		in = vd_bytes(in.at + used, in.len - used);
	}
}

static void carry(struct security *from, struct security *to)
{
	struct vd_bytes out = security_next_output(from);
	size_t used;

	expect(security_receive(to, out, &used) == VD_OK && used == out.len);
	security_sent(from, out.len);
}

/* Whoever it is: the fuzzer can sign with these stand-ins. */
static bool is_whom_it_says(const struct security *s, struct vd_bytes payload)
{
	struct noise_hello hello;
	struct vd_peer_id id;

	return !noise_hello_read(payload, &hello) &&
	       !vd_peer_id_of_public_key(hello.identity_key, &id) &&
	       vd_peer_id_equal(&s->peer, &id);
}

static void payload(struct security *initiator, struct vd_bytes in)
{
	struct vd_bytes out = security_next_output(initiator);
	uint8_t message[4200], ignored[64];
	struct noise noise;
	size_t len;

	if (in.len > 4000)
		return;
	noise_init(&noise, NOISE_RESPONDER, vd_bytes(NULL, 0), &config.static_key);
	expect(!noise_read(&noise, vd_bytes(out.at + 2, out.len - 2), ignored, 64, &len));
	expect(!noise_write(&noise, in, message + 2, sizeof message - 2, &len));
	vd_be16_store(message, (uint16_t)len);
	feed(initiator, vd_bytes(message, len + 2), SIZE_MAX);
	expect(initiator->state == SECURITY_FAILED || is_whom_it_says(initiator, in));
}

static void opened(struct security *a, struct security *b, struct vd_bytes in, size_t piece)
{
	carry(a, b);
	carry(b, a);
	carry(a, b);
	expect(security_open(a) && security_open(b));
	feed(b, in, piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || vd_init())
		return 0;
	if (!config.security) {
		vd_identity_generate(&identity);
		noise_stream_config_init(&config, &security);
	}

	struct security *a = noise_stream_new(&config, NOISE_INITIATOR, NULL);
	struct security *b = noise_stream_new(&config, NOISE_RESPONDER, NULL);
	struct vd_bytes in = vd_bytes(data + 1, size - 1);
	size_t piece = data[0] & 4 ? 1 + (size_t)(data[0] >> 3) : SIZE_MAX;

	switch (data[0] & 3) {
	case 0: feed(b, in, piece); break;
	case 1: feed(a, in, piece); break;
	case 2: payload(a, in); break;
	default: opened(a, b, in, piece); break;
	}
	security_free(a);
	security_free(b);
	return 0;
}
