/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Decoders of what is not authenticated do not allocate: the linker sends their calls here. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/handshake.h"
#include "controlplane/proto/noise_payload.h"
#include "multigram/setup_op.h"

static unsigned calls;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	calls++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	calls++;
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	calls++;
	return __real_realloc(old, size);
}

Test(no_allocation, allocations_are_seen)
{
	void *volatile some;

	calls = 0;
	some = malloc(1);
	free(some);
	cr_assert(eq(uint, calls, 1));
}

Test(no_allocation, an_operation_is_read_without)
{
	static const uint8_t offer[] = "\x51\xa2\x62id\x48\0\1\2\3\4\5\6\7\x64"
				       "0x10\x6f/viaduct/ping/1";
	struct mg_op op;
	struct vd_bytes rest;

	calls = 0;
	for (size_t len = 0; len < sizeof offer; len++)
		(void)mg_op_read(vd_bytes(offer, len), &op, &rest);
	cr_assert(eq(sz, op.count, 1));
	cr_assert(eq(uint, calls, 0));
}

Test(no_allocation, a_payload_is_read_without)
{
	uint8_t bytes[256];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct noise_payload payload = { .identity_key = vd_bytes("key", 3),
					 .identity_sig = vd_bytes("signature", 9),
					 .setup = vd_bytes("setup", 5),
					 .cipher_count = 1,
					 .ciphers = { vd_bytes_of_text("cipher") } };

	cr_assert(eq(int, noise_payload_write(&w, &payload, 200), VD_OK));
	calls = 0;
	for (size_t len = 0; len <= vd_write_len(&w); len++)
		(void)noise_payload_read(vd_bytes(bytes, len), &payload);
	cr_assert(eq(sz, payload.setup.len, 5));
	cr_assert(eq(uint, calls, 0));
}

Test(no_allocation, a_handshake_is_done_without)
{
	struct vd_identity identities[2];
	struct handshake_self selves[2];
	struct handshake ours, theirs;
	struct handshake_result result;
	struct handshake_frame frame;

	cr_assert(eq(int, vd_init(), VD_OK));
	for (unsigned i = 0; i < 2; i++) {
		vd_identity_generate(&identities[i]);
		handshake_self_init(&selves[i], HANDSHAKE_SESSION, &identities[i], 1, 0, 0);
	}
	calls = 0;
	cr_assert(eq(int, handshake_start(&ours, &selves[0], 1), VD_OK));
	cr_assert(eq(int, handshake_frame_read(vd_bytes(ours.sent, ours.sent_len), &frame), VD_OK));
	cr_assert(eq(int, handshake_answer(&theirs, &selves[1], &frame, 2), VD_OK));
	cr_assert(
	    eq(int, handshake_frame_read(vd_bytes(theirs.sent, theirs.sent_len), &frame), VD_OK));
	cr_assert(eq(int, handshake_finish(&ours, &selves[0], &frame, &identities[1].id, &result),
		     VD_OK));
	cr_assert(eq(int, handshake_frame_read(vd_bytes(ours.sent, ours.sent_len), &frame), VD_OK));
	cr_assert(eq(int, handshake_conclude(&theirs, &selves[1], &frame, &result), VD_OK));
	cr_assert(eq(uint, calls, 0));
}
