/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * yamux_raw: one yamux machine, and the peer written by hand: frames as bytes in both directions.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "controlplane/proto/yamux.h"

enum { DATA, WINDOW, PING, GO_AWAY };
enum { SYN = 1, ACK = 2, FIN = 4, RST = 8 };

struct raw_frame {
	uint8_t version, type;
	uint16_t flags;
	uint32_t id, length;
	const uint8_t *body; /* of DATA */
};

struct raw {
	struct muxer *m;
	vd_ns now;
	struct vd_read r; /* over `seen` */
	size_t seen_len;
	uint8_t seen[4 << 20];
};

static struct raw raw;

static inline void raw_start(const struct yamux_config *config, enum yamux_role role)
{
	raw.now = VD_SECONDS(1);
	raw.m = yamux_new(config, role, raw.now);
	raw.seen_len = 0;
	raw.r = vd_read_of(vd_bytes(raw.seen, 0));
	cr_assert(raw.m != NULL);
}

static inline enum vd_err raw_bytes(const void *bytes, size_t len)
{
	size_t used;
	enum vd_err err = muxer_receive(raw.m, vd_bytes(bytes, len), &used, raw.now);

	cr_assert(err || used == len);
	return err;
}

static inline enum vd_err raw_head(uint8_t type, uint16_t flags, uint32_t id, uint32_t length)
{
	uint8_t head[12] = { 0, type };

	vd_be16_store(head + 2, flags);
	vd_be32_store(head + 4, id);
	vd_be32_store(head + 8, length);
	return raw_bytes(head, sizeof head);
}

/* A data frame of zeros. */
static inline enum vd_err raw_data(uint16_t flags, uint32_t id, size_t len)
{
	static const uint8_t zeros[1 << 20];
	enum vd_err err = raw_head(DATA, flags, id, (uint32_t)len);

	return err || !len ? err : raw_bytes(zeros, len);
}

/* Takes what the machine has to send. */
static inline void raw_pump(void)
{
	struct vd_bytes out;

	while ((out = muxer_next_output(raw.m, raw.now)).len) {
		cr_assert(le(sz, raw.seen_len + out.len, sizeof raw.seen));
		memcpy(raw.seen + raw.seen_len, out.at, out.len);
		raw.seen_len += out.len;
		muxer_sent(raw.m, out.len);
	}
	raw.r.end = raw.seen + raw.seen_len;
}

/* The next frame that was sent; type 0xff when there is none. */
static inline struct raw_frame raw_next(void)
{
	struct raw_frame frame = { .type = 0xff };

	raw_pump();
	if (!vd_read_left(&raw.r))
		return frame;
	frame.version = vd_read_u8(&raw.r);
	frame.type = vd_read_u8(&raw.r);
	frame.flags = vd_read_be16(&raw.r);
	frame.id = vd_read_be32(&raw.r);
	frame.length = vd_read_be32(&raw.r);
	if (frame.type == DATA)
		frame.body = vd_read_bytes(&raw.r, frame.length).at;
	cr_assert(eq(int, raw.r.err, VD_OK));
	cr_assert(zero(u8, frame.version));
	return frame;
}

static inline void raw_expect(uint8_t type, uint16_t flags, uint32_t id, uint32_t length)
{
	struct raw_frame frame = raw_next();

	cr_assert(eq(u8, frame.type, type));
	cr_assert(eq(u16, frame.flags, flags));
	cr_assert(eq(u32, frame.id, id));
	cr_assert(eq(u32, frame.length, length));
}

static inline void raw_expect_nothing(void)
{
	cr_assert(eq(u8, raw_next().type, 0xff));
}

static inline struct muxer_event raw_event(enum muxer_what what)
{
	struct muxer_event event = muxer_next(raw.m);

	cr_assert(eq(int, event.what, what));
	return event;
}

/* After the ping that every machine begins with; FIN is not delayed. */
static inline void raw_begin(const struct yamux_config *config, enum yamux_role role)
{
	struct yamux_config at_once = *config;

	at_once.fin_delay = 0;
	raw_start(&at_once, role);
	raw_expect(PING, SYN, 0, 1);
}

/* A stream that the peer opened, told and acknowledged. */
static inline struct muxer_stream *raw_accepted(uint32_t id)
{
	cr_assert(eq(int, raw_head(WINDOW, SYN, id, 0), VD_OK));

	struct muxer_event event = raw_event(MUXER_STREAM);

	raw_expect(WINDOW, ACK, id, 0);
	return event.stream;
}
