/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * yamux: the stream multiplexer `/yamux/1.0.0` (hashicorp/yamux, spec.md; libp2p/specs, yamux).
 *
 * It is a `muxer`: see muxer.h for calls, threads, ownership and errors. What is its own:
 *
 * - A stream's receive window begins at 256 KiB and doubles while it is used up in less than four
 *   round trips, up to window_max, and while all windows together fit buffered_max. Half of it is
 *   granted at a time, so one stream fills a path on which window_max / 2 is under way.
 * - Received bytes that wait to be read are at most buffered_max: beyond it the stream with most
 *   of them is reset, so that one that nobody reads does not stop the others.
 * - A stream above inbound_max or backlog_max is refused (RST). A peer that does not read our
 *   answers is not read either. Being refused breaks nothing, but a peer that goes
 *   on above YAMUX_REFUSED_BURST is left: VD_ELIMIT, go-away 0.
 * - Protocol errors (VD_EPEER_*: more data than the window, another side's or an open id, a window
 *   above 2^32, data after FIN, data to no stream beyond what was granted, an unknown version or
 *   type, more than YAMUX_USELESS_BURST frames without effect) end the session with go-away 1,
 *   want of memory with go-away 2.
 * - A ping at the start and every ping_interval gives the round trip; VD_ELINK_TIMEOUT when
 *   nothing at all came for ping_timeout after one.
 * - FIN goes at the earliest fin_delay after a stream's first frame of ours, as a frame of its own:
 *   js-libp2p (3.3) loses what a short stream brought when its end arrives in the same read. Not
 *   on one that was answered: js counts it until then, and takes two pings at a time. Nor once we
 *   go away: there may be no later.
 * - A stream that was released goes when all is out. One whose peer leaves its window shut is reset
 *   when nothing of it moved for leave_within: five minutes, as hashicorp/yamux has it
 *   (StreamCloseTimeout), which is long for a reader that pauses.
 */
#include "controlplane/proto/muxer.h"

enum {
	YAMUX_WINDOW = 256 * 1024, /* the first one, both ways; the specification's */
	YAMUX_ACK_BACKLOG = 256,   /* streams of ours that the peer did not acknowledge */
	/* Frames without effect (pings, empty updates, streams reset that brought nothing): 100 a
	 * second, and: */
	YAMUX_USELESS_BURST = 4096,
	YAMUX_REFUSED_BURST = 65536, /* streams refused: 1,000 a second, and these */
};

enum yamux_role { YAMUX_CLIENT, YAMUX_SERVER }; /* the dialling side is client: odd ids */

struct yamux_config {
	uint32_t window_max;   /* bytes; at least YAMUX_WINDOW */
	uint32_t buffered_max; /* bytes received and not read, all streams */
	uint32_t send_buffer;  /* bytes written and not sent, a stream; room is told at none */
	uint32_t inbound_max;  /* streams open that the peer opened */
	uint32_t outbound_max; /* streams open that we opened */
	uint32_t backlog_max;  /* streams of the peer's that muxer_next has not told yet */
	vd_ns leave_within;    /* of a released stream, see above */
	vd_ns fin_delay;       /* of FIN after a stream's first frame, see above; 0: none */
	vd_ns ping_interval;
	vd_ns ping_timeout;
};

extern const struct yamux_config yamux_defaults;

struct yamux_counts {
	uint64_t refused;   /* streams of the peer's above a limit */
	uint64_t cut;       /* streams reset because nobody read them */
	uint64_t shut;      /* streams released, and reset as their window stayed shut */
	uint64_t useless;   /* frames without effect */
	uint64_t discarded; /* bytes for streams that are gone */
};

/* `config` is copied. NULL without memory. */
struct muxer *yamux_new(const struct yamux_config *config, enum yamux_role role, vd_ns now);

/* The muxer must be one of yamux_new. */
struct yamux_counts yamux_counts(const struct muxer *m);

/* Bytes that wait to be read, of all streams. */
size_t yamux_buffered(const struct muxer *m);
