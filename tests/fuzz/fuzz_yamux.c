/* Targets: controlplane/proto/yamux*.c: frames of a peer, and what streams do meanwhile */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/yamux.h"

/*
 * The input is a list of steps, each a byte of what, and of these the first two with more:
 *
 *	0  bytes of the wire: a byte of length, then they
 *	1  data frame whose body the target fills in: 8 bytes of flags (1), id (1), length (3),
 *	   3 skipped
 *	2  all output is sent
 *	3  half of it is
 *	4  events are drained; a stream that is told is kept (up to 16)
 *	5 to 9  a kept stream: written to, finished, reset, read, released
 *	10 a stream is opened
 *	11 time passes, 10 s
 */
enum { KEPT = 16 };

struct state {
	struct muxer *m;
	struct muxer_stream *kept[KEPT];
	unsigned at;
	bool failed;
	vd_ns now;
};

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void receive(struct state *s, struct vd_bytes in)
{
	size_t used;

	if (s->failed)
		return;

	enum vd_err err = muxer_receive(s->m, in, &used, s->now);

	expect(used <= in.len);
	s->failed = err != VD_OK;
	expect(!s->failed || (s->m->reason && s->m->streams == 0));
	expect(yamux_buffered(s->m) <= yamux_defaults.buffered_max);
}

static void data_frame(struct state *s, struct vd_read *r)
{
	static const uint8_t zeros[1 << 16];
	uint8_t head[12] = { 0 };
	uint32_t len;

	head[3] = vd_read_u8(r) & 15;
	head[7] = vd_read_u8(r);
	vd_read_copy(r, head + 9, 3);
	(void)vd_read_bytes(r, 3);
	receive(s, vd_bytes(head, sizeof head));
	for (len = vd_be32_load(head + 8); len && !s->failed;) {
		uint32_t piece = len < sizeof zeros ? len : (uint32_t)sizeof zeros;

		receive(s, vd_bytes(zeros, piece));
		len -= piece;
	}
}

/* It comes to an end: a batch has 16 KiB of what waits, but for a few. */
static void send(struct state *s, size_t part)
{
	size_t most = 200 + muxer_buffered(s->m) / (16 * 1024), batches = 0;
	struct vd_bytes out;

	while ((out = muxer_next_output(s->m, s->now)).len && batches++ < most)
		muxer_sent(s->m, (out.len + part - 1) / part);
	if (part == 1)
		expect(batches < most);
}

static void keep(struct state *s, struct muxer_stream *stream)
{
	struct muxer_stream **slot = &s->kept[s->at++ % KEPT];

	if (*slot)
		muxer_release(*slot);
	*slot = stream;
	stream->user = (void *)slot;
}

static void drain(struct state *s)
{
	struct muxer_event event;
	unsigned count = 0;

	while ((event = muxer_next(s->m)).what != MUXER_NOTHING) {
		expect(count++ < 10000);
		if (event.what == MUXER_STREAM)
			keep(s, event.stream);
		else if (event.stream)
			expect(*(struct muxer_stream **)event.stream->user == event.stream);
	}
}

static void write_to(struct muxer_stream *stream)
{
	static const uint8_t zeros[70000];
	size_t took;
	enum vd_err err = muxer_write(stream, vd_bytes(zeros, sizeof zeros), &took);

	expect(took <= sizeof zeros && (!err || took == 0));
}

static void act(struct state *s, unsigned what, unsigned which)
{
	struct muxer_stream **slot = &s->kept[which % KEPT];

	if (!*slot)
		return;
	switch (what) {
	case 5: write_to(*slot); break;
	case 6: muxer_finish(*slot); break;
	case 7: muxer_reset(*slot); break;
	case 8: muxer_taken(*slot, muxer_read(*slot).len); break;
	default:
		muxer_release(*slot);
		*slot = NULL;
		break;
	}
}

static void pass_time(struct state *s)
{
	s->now += VD_SECONDS(10);
	if (s->now >= muxer_deadline(s->m) && muxer_expire(s->m, s->now))
		s->failed = true;
}

static void open_one(struct state *s)
{
	struct muxer_stream *stream;

	if (muxer_open(s->m, &stream) == VD_OK)
		keep(s, stream);
}

static void step(struct state *s, struct vd_read *r)
{
	unsigned what = vd_read_u8(r);

	switch (what & 15) {
	case 0: receive(s, vd_read_bytes(r, vd_read_u8(r))); break;
	case 1: data_frame(s, r); break;
	case 2: send(s, 1); break;
	case 3: send(s, 2); break;
	case 4: drain(s); break;
	case 10: open_one(s); break;
	case 11: pass_time(s); break;
	default: act(s, what & 15, what >> 4); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vd_read r = vd_read_of(vd_bytes(data, size));
	struct state s = { .now = VD_SECONDS(1) };

	if (size < 1 || size > 4096 || vd_init())
		return 0;
	s.m = yamux_new(&yamux_defaults, vd_read_u8(&r) & 1 ? YAMUX_CLIENT : YAMUX_SERVER, s.now);
	expect(s.m != NULL);
	while (vd_read_left(&r))
		step(&s, &r);
	drain(&s);
	send(&s, 1);
	muxer_free(s.m);
	return 0;
}
