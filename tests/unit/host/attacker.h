/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * attacker: a peer over a real socket that does what no host of ours would: it says any bytes, and
 * within a connection that it negotiated in order any Yamux frames. It reads only when it is told.
 *
 * Blocks never; what does not fit the socket waits, and attacker_say tells. For tests.
 */
#include "controlplane/proto/connection.h"
#include "controlplane/proto/noise_stream.h"
#include "tests/unit/host/pair.h"

struct attacker {
	int fd;
	struct vd_identity identity;
	struct security_config security;
	struct noise_stream_config noise;
	struct connection_layers layers;
	struct connection machine;
	bool cut; /* the other side closed it */
};

/* A TCP connection to b; from an IPv4 address of this machine, in host order, and with an identity
 * that is kept; NULL: one of its own. */
void attacker_connect(struct attacker *attacker, struct pair *pair);
void attacker_connect_as(struct attacker *attacker, struct pair *pair, uint32_t from,
			 const struct vd_identity *identity);
void attacker_end(struct attacker *attacker);

/* Says as much as the socket takes; returns how much. */
size_t attacker_say(struct attacker *attacker, struct vd_bytes bytes);
/* Whether the other side has closed; what it said meanwhile is dropped. */
bool attacker_is_cut(struct attacker *attacker);

/* Noise and Yamux in order, with turns of the pair's loop between. */
void attacker_negotiate(struct attacker *attacker, struct pair *pair);

enum { FRAME_DATA, FRAME_WINDOW, FRAME_PING, FRAME_GO_AWAY };
enum { FRAME_SYN = 1, FRAME_ACK = 2, FRAME_FIN = 4, FRAME_RST = 8 };

/* The header of a Yamux frame. */
void attacker_write_frame(struct vd_write *w, unsigned type, unsigned flags, uint32_t id,
			  uint32_t length);
/*
 * One Yamux frame with `body`, sealed and said; false when the socket takes no more, or is cut: the
 * rest waits for the next call.
 */
bool attacker_frame(struct attacker *attacker, unsigned type, unsigned flags, uint32_t id,
		    uint32_t length, struct vd_bytes body);
