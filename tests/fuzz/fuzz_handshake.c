/* Targets: handshake_frame_read, handshake_answer, handshake_finish, handshake_conclude */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/handshake.h"

/*
 * The first byte says what the rest is: 0 a frame from the network, 1 the payload of a
 * message 1, 2 of a message 2, 3 of a message 3, in frames whose Noise is right.
 */
enum { FRAME, PAYLOAD_1, PAYLOAD_2, PAYLOAD_3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vd_identity identities[2];
static struct handshake_self selves[2][2]; /* by kind */

static void once(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	if (vd_init())
		abort();
	for (unsigned i = 0; i < 2; i++) {
		vd_identity_generate(&identities[i]);
		for (unsigned kind = 0; kind < 2; kind++) {
			struct handshake_self *self = &selves[kind][i];

			handshake_self_init(self, (enum handshake_kind)kind, &identities[i], 1 + i,
					    8, 0);
			self->offer[0] = "/viaduct/ping/1";
			self->offer[1] = "/viaduct/ip6/1";
			self->offer_count = 2;
		}
	}
}

static struct noise responder_of(const struct handshake *initiator,
				 const struct handshake_self *self)
{
	const char *prologue =
	    self->kind == HANDSHAKE_LINK ? "viaduct link 1" : "viaduct session 1";
	uint8_t plain[HANDSHAKE_RECV_MAX];
	struct handshake_frame frame;
	struct noise noise;
	size_t len;

	noise_init(&noise, NOISE_RESPONDER, vd_bytes_of_text(prologue), &self->static_key);
	if (handshake_frame_read(vd_bytes(initiator->sent, initiator->sent_len), &frame) ||
	    noise_read(&noise, frame.noise, plain, sizeof plain, &len))
		abort();
	return noise;
}

static void payload_2(const struct handshake_self *self, struct vd_bytes payload)
{
	struct handshake initiator;
	struct handshake_result result;
	uint8_t message[HANDSHAKE_RECV_MAX];
	struct handshake_frame frame = { .type = HANDSHAKE_2, .sender = 5, .receiver = 6 };
	size_t len;

	if (handshake_start(&initiator, &self[0], 6))
		abort();

	struct noise noise = responder_of(&initiator, &self[1]);

	if (noise_write(&noise, payload, message, sizeof message, &len))
		return;
	frame.noise = vd_bytes(message, len);
	(void)handshake_finish(&initiator, &self[0], &frame, &identities[1].id, &result);
}

static void payload_3(const struct handshake_self *self, struct vd_bytes payload)
{
	struct handshake initiator, responder;
	struct handshake_frame frame;
	struct handshake_result result;
	uint8_t message[HANDSHAKE_RECV_MAX];
	size_t len;

	if (handshake_start(&initiator, &self[0], 6) ||
	    handshake_frame_read(vd_bytes(initiator.sent, initiator.sent_len), &frame) ||
	    handshake_answer(&responder, &self[1], &frame, 5) ||
	    handshake_frame_read(vd_bytes(responder.sent, responder.sent_len), &frame) ||
	    noise_read(&initiator.noise, frame.noise, message, sizeof message, &len))
		abort();
	if (noise_write(&initiator.noise, payload, message, sizeof message, &len))
		return;
	frame = (struct handshake_frame){
		.type = HANDSHAKE_3, .sender = 6, .receiver = 5, .noise = vd_bytes(message, len)
	};
	(void)handshake_conclude(&responder, &self[1], &frame, &result);
}

static void answer(const struct handshake_self *self, const struct handshake_frame *frame)
{
	struct handshake hs;

	if (handshake_answer(&hs, &self[1], frame, 9))
		return;
	if (hs.sent_len > HANDSHAKE_HEADER + frame->noise.len + frame->cookie.len)
		abort(); /* more out than in */
}

static void payload_1(const struct handshake_self *self, struct vd_bytes payload)
{
	static const uint8_t cookie[HANDSHAKE_COOKIE_BYTES];
	uint8_t message[HANDSHAKE_RECV_MAX] = { 9 };
	struct handshake_frame frame = { .type = HANDSHAKE_1, .sender = 5 };

	if (payload.len > sizeof message - 32)
		return;
	memcpy(message + 32, payload.at, payload.len);
	frame.noise = vd_bytes(message, 32 + payload.len);
	frame.cookie = vd_bytes(cookie, sizeof cookie);
	answer(self, &frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct handshake_frame frame;

	if (size < 1)
		return 0;
	once();

	struct vd_bytes rest = vd_bytes(data + 1, size - 1);
	const struct handshake_self *self = selves[data[0] >> 7];

	switch (data[0] & 3) {
	case FRAME:
		if (!handshake_frame_read(rest, &frame) && frame.type == HANDSHAKE_1)
			answer(self, &frame);
		break;
	case PAYLOAD_1: payload_1(self, rest); break;
	case PAYLOAD_2: payload_2(self, rest); break;
	case PAYLOAD_3: payload_3(self, rest); break;
	}
	return 0;
}
