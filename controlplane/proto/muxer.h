/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * muxer: what every stream multiplexer offers to a connection: Yamux (yamux), and what may
 * come (QUIC has its own streams).
 *
 *	below ->  muxer_receive            muxer_next: events; muxer_read, _taken -> streams
 *	below <-  muxer_next_output, _sent        muxer_write, _finish, _reset    <- streams
 *
 * A connection's turn: muxer_receive what the security machine has (used < len: back-pressure,
 * give the rest again later); drain muxer_next; then move muxer_next_output to
 * security_write while that takes it. muxer_deadline and muxer_expire keep the time.
 *
 * A stream is there from muxer_open, or its MUXER_STREAM event, until muxer_release: its pointer
 * stays good in between, also after a reset and after the muxer failed. Both directions end by
 * themselves: FIN (muxer_finish; MUXER_READABLE with muxer_ended) ends one, reset both.
 *
 * Back-pressure, both ways: muxer_write takes what fits a stream's send buffer, and MUXER_WRITABLE
 * tells when it has room again; what is not read is not granted to the peer again.
 *
 * Threads:  one at a time, any; a muxer and its streams belong together.
 * Memory:   a muxer is on the heap from x_new to muxer_free, which frees its streams too,
 *           released or not. Ranges given in are borrowed until return; ranges handed out until
 *           the next call on the same muxer.
 * Errors:   of receive and expire: VD_EPEER_* (the peer broke the protocol), VD_ELINK_TIMEOUT,
 *           VD_ELIMIT (it wants more than it may, without end), VD_ENOMEM: no more events of
 *           streams but one MUXER_RESET for each; send what there is to send (it says why) and
 *           close.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"

struct muxer;
struct muxer_stream;

enum muxer_what {
	MUXER_NOTHING,  /* drained */
	MUXER_STREAM,   /* the peer opened `stream`; it is ours to release */
	MUXER_READABLE, /* muxer_read has bytes, or muxer_ended became true */
	MUXER_WRITABLE, /* muxer_write takes bytes again, after it took less than offered */
	MUXER_RESET,    /* the peer (or the muxer's end) cut the stream; release it */
	MUXER_GO_AWAY,  /* the peer takes no further streams: `code`; those that are open go on */
};

struct muxer_event {
	enum muxer_what what;
	struct muxer_stream *stream;
	uint32_t code;
};

struct muxer_class {
	const char *protocol; /* for multistream-select: "/yamux/1.0.0" */
	enum vd_err (*receive)(struct muxer *m, struct vd_bytes in, size_t *used_out, vd_ns now);
	struct vd_bytes (*next_output)(struct muxer *m, vd_ns now);
	void (*sent)(struct muxer *m, size_t len);
	struct muxer_event (*next)(struct muxer *m);
	vd_ns (*deadline)(const struct muxer *m);
	enum vd_err (*expire)(struct muxer *m, vd_ns now);
	enum vd_err (*open)(struct muxer *m, struct muxer_stream **stream_out);
	size_t (*buffered)(const struct muxer *m);
	void (*go_away)(struct muxer *m);
	void (*probe)(struct muxer *m, vd_ns now);
	void (*free)(struct muxer *m);

	enum vd_err (*write)(struct muxer_stream *stream, struct vd_bytes bytes, size_t *took_out);
	bool (*has_room)(struct muxer_stream *stream, size_t len);
	void (*finish)(struct muxer_stream *stream);
	void (*reset)(struct muxer_stream *stream);
	struct vd_bytes (*read)(struct muxer_stream *stream);
	void (*taken)(struct muxer_stream *stream, size_t len);
	bool (*finished)(const struct muxer_stream *stream);
	bool (*ended)(const struct muxer_stream *stream);
	void (*release)(struct muxer_stream *stream);
};

/* First member of every muxer. */
struct muxer {
	const struct muxer_class *class;
	vd_ns rtt;          /* 0: not measured yet */
	uint32_t streams;   /* open, of both sides */
	uint32_t leaving;   /* of those the peer opened: released, and not all out yet */
	bool going_away;    /* muxer_open fails for good: either side goes, or ids are used up */
	const char *reason; /* after a failure: what was wrong; static storage */
};

/* First member of every muxer's stream. */
struct muxer_stream {
	struct muxer *muxer;
	void *user;    /* the caller's; NULL at first */
	uint64_t id;   /* for logs */
	bool inbound;  /* the peer opened it */
	bool answered; /* the caller's: its peer's handler has spoken, so it is reading */
};

static inline enum vd_err muxer_receive(struct muxer *m, struct vd_bytes in, size_t *used_out,
					vd_ns now)
{
	return m->class->receive(m, in, used_out, now);
}

/* Bytes that wait inside: unread, unsent, and answers; of all streams. */
static inline size_t muxer_buffered(const struct muxer *m)
{
	return m->class->buffered(m);
}

/* Frames for the channel below, a batch at a time; the same bytes until they were sent. */
static inline struct vd_bytes muxer_next_output(struct muxer *m, vd_ns now)
{
	return m->class->next_output(m, now);
}

static inline void muxer_sent(struct muxer *m, size_t len)
{
	m->class->sent(m, len);
}

/* One event; MUXER_NOTHING when drained. At most one of a kind waits for each stream. */
static inline struct muxer_event muxer_next(struct muxer *m)
{
	return m->class->next(m);
}

/* When to call muxer_expire, which may leave output; VD_NEVER. It moves with every call. */
static inline vd_ns muxer_deadline(const struct muxer *m)
{
	return m->class->deadline(m);
}

static inline enum vd_err muxer_expire(struct muxer *m, vd_ns now)
{
	return m->class->expire(m, now);
}

/*
 * A stream of ours; it may be written at once. VD_ELIMIT: too many are open, or the peer has not
 * acknowledged earlier ones. VD_ELINK_CLOSED: going_away; redial. VD_ENOMEM.
 */
static inline enum vd_err muxer_open(struct muxer *m, struct muxer_stream **stream_out)
{
	return m->class->open(m, stream_out);
}

/* No further streams; the peer is told, and those that are open go on. */
static inline void muxer_go_away(struct muxer *m)
{
	m->class->go_away(m);
}

/* Asks the peer for a sign of life, if nobody does: something comes, or in time it fails. */
static inline void muxer_probe(struct muxer *m, vd_ns now)
{
	m->class->probe(m, now);
}

static inline void muxer_free(struct muxer *m)
{
	if (m)
		m->class->free(m);
}

/*
 * Queues bytes, copied. VD_OK with took < len, VD_AGAIN with 0: a MUXER_WRITABLE follows.
 * VD_ELINK_CLOSED: reset; VD_EBUG_STATE after muxer_finish.
 */
static inline enum vd_err muxer_write(struct muxer_stream *stream, struct vd_bytes bytes,
				      size_t *took_out)
{
	return stream->muxer->class->write(stream, bytes, took_out);
}

/* Whether a write of `len` would take it all; if not, a MUXER_WRITABLE follows. True for a write
 * that would fail. */
static inline bool muxer_has_room(struct muxer_stream *stream, size_t len)
{
	return stream->muxer->class->has_room(stream, len);
}

/* Half-close: after what was written the peer reads an end. */
static inline void muxer_finish(struct muxer_stream *stream)
{
	stream->muxer->class->finish(stream);
}

/* Cuts both directions; what was not sent or read is dropped. */
static inline void muxer_reset(struct muxer_stream *stream)
{
	stream->muxer->class->reset(stream);
}

/* What the peer wrote, all or a part; empty when nothing waits. */
static inline struct vd_bytes muxer_read(struct muxer_stream *stream)
{
	return stream->muxer->class->read(stream);
}

/* The first `len` bytes are done with: the peer may send as many again. */
static inline void muxer_taken(struct muxer_stream *stream, size_t len)
{
	stream->muxer->class->taken(stream, len);
}

/* Whether the peer finished: what waits to be read is all there is. */
static inline bool muxer_finished(const struct muxer_stream *stream)
{
	return stream->muxer->class->finished(stream);
}

/* Whether the peer finished, and all of it was taken. */
static inline bool muxer_ended(const struct muxer_stream *stream)
{
	return stream->muxer->class->ended(stream);
}

/*
 * The caller is done with the stream, and its pointer is void. One that we did not finish is
 * reset; of one that we did, what was written still goes out, if the peer takes it in some time.
 * What came and was not taken is dropped, and what comes until all went out; what comes later is
 * answered with a reset.
 */
static inline void muxer_release(struct muxer_stream *stream)
{
	stream->muxer->class->release(stream);
}
