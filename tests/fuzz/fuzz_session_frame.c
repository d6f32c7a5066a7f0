/* Targets: sw_session_open */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One sealed frame of a session. Byte 0: 1: the rest is plaintext, sealed first by the
 * other end, and has to come out again.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "switch/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct sw_session_table table;
static struct sw_session *session;

static void set_up(void)
{
	/* both directions under one key: its own other end */
	const struct sw_session_config config = { .cipher = VD_CHACHA20_POLY1305 };
	uint32_t index;

	if (sodium_init() < 0)
		abort();
	rcu_register_thread();
	if (sw_session_table_init(&table, 1) || sw_session_reserve(&table, &index))
		abort();
	sw_session_publish(&table, index, &config);
	session = sw_session_find(&table, index);
}

static void sealed(const uint8_t *plain, size_t len)
{
	uint8_t *frame = malloc(len + SW_SEAL_OVERHEAD);
	struct vd_bytes out;

	if (!frame)
		return;
	if (len)
		memcpy(frame + SW_SEAL_HEADER, plain, len);
	sw_session_seal(session, frame + SW_SEAL_HEADER, len);
	if (sw_session_open(session, frame, len + SW_SEAL_OVERHEAD, &out) != VD_OK ||
	    !vd_bytes_equal(out, vd_bytes(plain, len)))
		abort();
	free(frame);
}

static void foreign(const uint8_t *data, size_t len)
{
	uint8_t *frame = malloc(len ? len : 1);
	struct vd_bytes out;

	if (!frame)
		return;
	memcpy(frame, data, len);
	if (sw_session_open(session, frame, len, &out) == VD_OK)
		abort(); /* nobody but us has the key */
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!session)
		set_up();
	if (len < 1 || len > SW_FRAME_MAX)
		return 0;
	if (data[0] & 1)
		sealed(data + 1, len - 1);
	else
		foreign(data + 1, len - 1);
	return 0;
}
