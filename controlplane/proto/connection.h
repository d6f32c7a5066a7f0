/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * connection: a raw byte stream made into a libp2p connection (libp2p/specs, connections,
 * "Upgrading Connections"): multistream-select of a secure channel, its handshake,
 * multistream-select of a muxer unless the handshake agreed on one, then the muxer.
 *
 *	wire ->  connection_receive           connection_next -> events of streams
 *	wire <-  connection_next_output, _sent
 *
 * A turn: give it what came (used < len: it has enough; give the rest again after streams were
 * read), drain connection_next, send connection_next_output until it is empty. After
 * connection_is_open, streams are the muxer's (muxer.h): open with connection->muxer.
 *
 * State: negotiating, handshake, negotiating, open; failed from each. A failed connection may
 * still have output: it says why to the peer; send it, then close.
 *
 * Threads: one at a time. Memory: on the heap; ranges as in security.h.
 * Errors:  VD_EPEER_* of the layer that found it, `reason` says what. VD_ENOMEM.
 */
#include <stdbool.h>

#include "controlplane/proto/multistream.h"
#include "controlplane/proto/muxer.h"
#include "controlplane/proto/security.h"

enum { CONNECTION_LAYERS = 4 }; /* of a kind: NULL ends their lists */

/* How to make one secure channel. `expected` is NULL for anybody; dialer is the initiator. */
struct connection_security {
	const char *protocol;
	struct security *(*make)(const void *config, bool dialer,
				 const struct vd_peer_id *expected);
	const void *config;
};

struct connection_muxer {
	const char *protocol;
	struct muxer *(*make)(const void *config, bool dialer, vd_ns now);
	const void *config;
};

/*
 * Which layers a connection may get, the preferred first. Made once for a host, kept by
 * reference; the names are arrays for multistream-select, ended by NULL.
 */
struct connection_layers {
	struct connection_security securities[CONNECTION_LAYERS];
	struct connection_muxer muxers[CONNECTION_LAYERS];
	const char *security_names[CONNECTION_LAYERS + 1];
	const char *muxer_names[CONNECTION_LAYERS + 1];
};

enum connection_state {
	CONNECTION_SECURITY,  /* negotiating the secure channel */
	CONNECTION_HANDSHAKE, /* its handshake */
	CONNECTION_MUXER,     /* negotiating the muxer */
	CONNECTION_OPEN,
	CONNECTION_FAILED,
};

struct connection {
	enum connection_state state;
	bool dialer;
	bool ended;   /* the peer ended the channel, and all that it wrote is taken: close it */
	bool closing; /* we do, after the output that there is */
	bool by_transport; /* connection_take */
	const struct connection_layers *layers;
	struct vd_peer_id expected;      /* len 0: anybody */
	struct multistream outer, inner; /* of the channel, of the muxer */
	struct multistream_handlers handlers;
	struct security *security; /* NULL until negotiated */
	struct muxer *muxer;       /* NULL until open */
	enum vd_err err;           /* after a failure, */
	const char *reason;        /* and what was wrong; static storage */
};

void connection_init(struct connection *c, const struct connection_layers *layers, bool dialer,
		     const struct vd_peer_id *expected);
void connection_fini(struct connection *c);

/*
 * Of a transport that secures and multiplexes by itself, as QUIC does: open from the first moment.
 * Takes both, before anything was received; no bytes go through it then, only events.
 */
void connection_take(struct connection *c, struct security *security, struct muxer *muxer);

/* Takes bytes of the wire; an empty range looks again at what waits inside. */
enum vd_err connection_receive(struct connection *c, struct vd_bytes wire, size_t *used_out,
			       vd_ns now);

/* Bytes for the wire, until connection_sent; empty: there are none. It may fail: see `state`. */
struct vd_bytes connection_next_output(struct connection *c, vd_ns now);
void connection_sent(struct connection *c, size_t len);

/* We end it: the peer is told so by muxer and channel, after what streams wrote as far as it grants
 * that. Send what connection_next_output still has, then close. */
void connection_close(struct connection *c);

/* Events of its muxer; MUXER_NOTHING before it is open. */
struct muxer_event connection_next(struct connection *c);

/* Of its muxer. */
vd_ns connection_deadline(const struct connection *c);
enum vd_err connection_expire(struct connection *c, vd_ns now);

static inline bool connection_is_open(const struct connection *c)
{
	return c->state == CONNECTION_OPEN;
}
