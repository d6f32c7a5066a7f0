/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * yamux_state: what yamux's files share. Private to them.
 *
 * A stream is *attached* while frames can find it by its id: from its opening until both sides
 * finished or one reset. Its memory lasts until it was released, too.
 */
#include "controlplane/proto/byte_queue.h"
#include "controlplane/proto/yamux.h"

enum {
	YAMUX_HEADER = 12,
	YAMUX_CONTROL_MAX = 12 * 1024, /* answers that wait; then nothing is received */
};

enum yamux_type { YAMUX_DATA = 0, YAMUX_WINDOW_UPDATE = 1, YAMUX_PING = 2, YAMUX_GO_AWAY = 3 };

enum yamux_flag { YAMUX_SYN = 1, YAMUX_ACK = 2, YAMUX_FIN = 4, YAMUX_RST = 8 };

enum yamux_code { YAMUX_NORMAL = 0, YAMUX_PROTOCOL_ERROR = 1, YAMUX_INTERNAL_ERROR = 2 };

struct yamux_frame {
	uint8_t version, type;
	uint16_t flags;
	uint32_t id, length;
};

/* A stream's place in a list; both NULL when it is alone in it, so `queued` tells. */
struct yamux_link {
	struct yamux_stream *prev, *next;
	bool queued;
};

struct yamux_list {
	struct yamux_stream *head, *tail;
};

enum yamux_list_of {
	YAMUX_EVENTS,
	YAMUX_SENDS,
	YAMUX_LATER,
	YAMUX_LEAVING,
	YAMUX_ALL,
	YAMUX_LISTS
};

struct yamux_stream {
	struct muxer_stream base;
	struct yamux_stream *bucket_next;
	struct yamux_link links[YAMUX_LISTS];
	uint32_t id;
	uint32_t send_window; /* bytes we may send */
	uint32_t recv_window; /* its size */
	uint32_t recv_credit; /* bytes the peer may send */
	vd_ns fin_from;       /* FIN goes at the earliest then */
	vd_ns leave_by;       /* released: what is left moves by then */
	vd_ns epoch;          /* of the last window update we sent */
	uint8_t events;       /* 1 << enum muxer_what */
	bool attached;
	bool syn_sent, acked; /* ours: SYN went out; the peer answered */
	bool ack_due;         /* theirs: to be acknowledged */
	bool finished, fin_sent, peer_finished;
	bool was_reset, released;
	bool told;       /* theirs: the caller knows it */
	bool brought;    /* bytes, ever */
	bool wants_room; /* a write took less than it was given */
	struct byte_queue in, out;
	size_t lent; /* of `out`, its first bytes: frames that go out as they lie */
};

struct yamux {
	struct muxer base;
	struct yamux_config config;
	struct yamux_counts counts;
	enum yamux_role role;
	bool failed, going_away, peer_going_away;
	bool out_of_memory; /* a control frame was lost: the next call fails */
	bool go_away_event;
	uint32_t go_away_code;
	uint32_t next_id;

	struct yamux_stream **buckets; /* by id; NULL: none yet */
	uint32_t bucket_count;         /* a power of two */
	uint32_t seed;                 /* odd */
	uint32_t inbound, outbound, backlog, unacked;
	struct yamux_list lists[YAMUX_LISTS];

	/* Receiving. */
	uint8_t head[YAMUX_HEADER];
	uint8_t head_len;
	struct yamux_frame frame; /* whose body comes */
	uint32_t body_left;
	bool body_discarded;
	uint64_t buffered, windows; /* of all streams: bytes unread; receive windows */
	uint64_t discard_left;      /* bytes that may still come for streams that are gone */
	uint64_t late_left;         /* frames without data that may still come for them */
	vd_ns useless_at;           /* when useless frames are forgiven (GCRA), */
	vd_ns refused_at;           /* and refused streams */

	/* Sending. */
	uint64_t unsent;             /* of all streams, not in a batch yet */
	struct byte_queue control;   /* whole frames that go before streams' */
	struct byte_queue out;       /* the batch that goes out, */
	struct yamux_stream *lender; /* or whose `lent` it is; NULL: nobody's */

	/* Round trip and keep-alive. */
	vd_ns now; /* as it was last told */
	vd_ns last_received, ping_at, ping_sent;
	uint32_t ping_id;
	bool pinging;
};

static inline struct yamux *yamux_of(struct muxer *m)
{
	return (struct yamux *)m;
}

static inline struct yamux_stream *yamux_stream_of(struct muxer_stream *stream)
{
	return (struct yamux_stream *)stream;
}

static inline struct yamux *yamux_session(const struct yamux_stream *stream)
{
	return (struct yamux *)stream->base.muxer;
}

/* ---- yamux.c ---- */

/* Ends the session: go-away, and MUXER_RESET for every stream. Returns `err`. */
enum vd_err yamux_fail(struct yamux *y, enum vd_err err, const char *reason);

/* ---- yamux_table.c ---- */

struct yamux_stream *yamux_find(const struct yamux *y, uint32_t id);

/* A new, attached stream; NULL without memory. */
struct yamux_stream *yamux_attach(struct yamux *y, uint32_t id, bool inbound);

/* Frames do not find it any more. Nothing when it is detached. */
void yamux_detach(struct yamux_stream *stream);

/* Off every list and detached; `stream` is void. */
void yamux_stream_free(struct yamux_stream *stream);

void yamux_enqueue(struct yamux_stream *stream, enum yamux_list_of which);
void yamux_dequeue(struct yamux_stream *stream, enum yamux_list_of which);
struct yamux_stream *yamux_any(const struct yamux *y); /* NULL: none is attached */
/* Of all that have memory, attached or not; NULL: there is none. */
struct yamux_stream *yamux_fullest(const struct yamux *y);

/* ---- yamux_stream.c ---- */

void yamux_event(struct yamux_stream *stream, enum muxer_what what);

/* What was written and not sent, but for a batch that is on its way: the session keeps that. */
void yamux_drop_output(struct yamux_stream *stream);

/* Both directions end here; RST goes out if `tell`. The stream is detached. */
void yamux_cut(struct yamux_stream *stream, bool tell);

/* What came for a stream that is released was dropped: the peer may go on, so that it reads what we
 * have for it, or writes and is told that nobody reads. */
void yamux_pass_on(struct yamux_stream *stream);

/* After a step that may have ended it: detaches what both sides finished; frees what is released
 * and has nothing to send. `stream` may be void afterwards. */
void yamux_settle(struct yamux_stream *stream);

/* Of one that is released: something of it moved, so it has leave_within anew. */
void yamux_leave_on(struct yamux_stream *stream);

enum vd_err yamux_write(struct muxer_stream *stream, struct vd_bytes bytes, size_t *took_out);
bool yamux_has_room(struct muxer_stream *stream, size_t len);
void yamux_finish(struct muxer_stream *stream);
void yamux_reset(struct muxer_stream *stream);
struct vd_bytes yamux_read(struct muxer_stream *stream);
void yamux_taken(struct muxer_stream *stream, size_t len);
bool yamux_finished(const struct muxer_stream *stream);
bool yamux_ended(const struct muxer_stream *stream);
void yamux_release(struct muxer_stream *stream);

/* ---- yamux_receive.c ---- */

enum vd_err yamux_receive(struct muxer *m, struct vd_bytes in, size_t *used_out, vd_ns now);

/* ---- yamux_output.c ---- */

/* Queues a frame before those of streams. Without memory the session fails later, not here, so
 * that callers' streams stay. */
void yamux_push_control(struct yamux *y, const struct yamux_frame *frame);
struct vd_bytes yamux_next_output(struct muxer *m, vd_ns now);
void yamux_sent(struct muxer *m, size_t len);

/* Whether a window update is due: half of the window was taken. */
bool yamux_grant_due(const struct yamux_stream *stream);

/* All of the window at once, for a stream that has no turn any more. */
void yamux_push_grant(struct yamux_stream *stream);
