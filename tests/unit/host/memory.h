/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * memory: two transports between hosts of one loop, with nothing below: one whose carriers are
 * bytes, as a WebSocket's and a relayed connection's, one that brings streams, as QUIC. For tests.
 *
 * They take /ip4/…/tcp/…/ws and /ip4/…/udp/…/quic-v1, so TCP does not.
 */
#include "controlplane/host/transport.h"

enum { MEMORY_ROOM = 4096 }; /* bytes on their way to one end */

extern const struct transport_class memory_bytes, memory_streams;

/* What both do; a test sets and reads it, and begins with zeros. */
extern struct memory {
	unsigned opened, closed, dials, listeners, carriers; /* the last two: that are there now */
	enum vd_err dial_err;                                /* of the next dial */
	bool silent;     /* dials come to nothing until they are closed */
	bool crossing;   /* the next dial may cross, and the other side hangs up at once */
	bool last_apart; /* the last dial's */
	const struct vd_peer_id
	    *prove; /* who is at the end of streams; NULL: the listener's host */
} memory;
