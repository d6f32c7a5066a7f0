/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * stream_ping: libp2p's `/ipfs/ping/1.0.0` (libp2p/specs, ping): 32 random bytes go out and come
 * back. (`/viaduct/ping/1`, over links and sessions, is ping.h.)
 *
 * The limits on streams (one out, two in, a connection) are the host's to hold.
 *
 * Threads: one at a time. Memory: the caller's, no heap.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"

enum { STREAM_PING_BYTES = 32 };

#define STREAM_PING_TIMEOUT VD_SECONDS(10)

/* Whoever answers: an echo of one ping at a time. */
struct stream_pong {
	uint8_t bytes[STREAM_PING_BYTES];
	uint8_t got, sent; /* bytes; when all came, they go out */
};

/* At most in.len bytes are used: fewer while an echo waits to be sent. */
size_t stream_pong_receive(struct stream_pong *pong, struct vd_bytes in);
struct vd_bytes stream_pong_next_output(const struct stream_pong *pong);
void stream_pong_sent(struct stream_pong *pong, size_t len);

/* Whoever asks. */
struct stream_ping {
	uint8_t bytes[STREAM_PING_BYTES];
	uint8_t sent, got;
	bool under_way;
	vd_ns since;
	vd_ns rtt; /* of the last one; 0: none came back yet */
};

/* Begins one, on the same stream as those before. VD_EBUG_STATE while one is under way. */
enum vd_err stream_ping_begin(struct stream_ping *ping, vd_ns now);
struct vd_bytes stream_ping_next_output(const struct stream_ping *ping);
void stream_ping_sent(struct stream_ping *ping, size_t len);

/*
 * VD_OK: it came back whole, see rtt. VD_AGAIN: more is to come. VD_EPEER_AUTH: other bytes than
 * were sent; VD_EPEER_STATE: bytes when none were asked for.
 */
enum vd_err stream_ping_receive(struct stream_ping *ping, struct vd_bytes in, vd_ns now);

/* When the peer is given up; VD_NEVER when none is under way. */
vd_ns stream_ping_deadline(const struct stream_ping *ping);
