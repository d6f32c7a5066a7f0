/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * transport: how a host reaches others and is reached: TCP (tcp.c), and what may come. A transport
 * is chosen by the address, once for a dial and once for a listener; from then on the connection
 * (conn.c) has a carrier, which is its bytes, or its streams.
 *
 *	host_listen -> listen … host_accepted, host_adopt -> adopt      or, without a descriptor:
 *	                                             host_arrived
 *	host_dial   -> dial … events->up
 *	then              carrier_write  -> events->ready            events->received
 *	at last           carrier_close                              events->ended
 *
 * What is negotiated above a carrier:
 *
 *	TRANSPORT_BYTES    a byte stream: multistream, a secure channel, a muxer, as layers.c lists
 *	                   them; in a private network its cipher below all of these
 *	TRANSPORT_STREAMS  nothing: when it is up it has `security` (who the peer is, proven) and
 *	                   `muxer`. Not in a private network, whose key is for byte streams
 *
 * How others fit in:
 *
 *	QUIC       TRANSPORT_STREAMS. Takes /ip/…/udp/…/quic-v1; `open` makes the table of
 *	           its connections. A listener has a UDP socket of its own and calls
 *	           host_arrived; adopt is NULL: a connection is no descriptor, so each place of
 *	           a swarm listens with SO_REUSEPORT. Its streams are a muxer (muxer.h) whose
 *	           next_output is always empty: datagrams go out in `flush`, and
 *	           events->ready tells that streams have news.
 *	WebSocket  TRANSPORT_BYTES. Takes /ip/…/tcp/…/ws and /tls/ws; dials and adopts by
 *	           tcp_transport's functions with what comes before its own part, is the user
 *	           of that carrier, and hands out one of its own: up when HTTP said 101,
 *	           frames around what is written. It listens by tcp_listen, which then tells
 *	           its own descriptors.
 *	Relayed    TRANSPORT_BYTES. Takes …/p2p/RELAY/p2p-circuit; dial opens a stream at
 *	           the relay (host.h), listen makes a reservation, and the protocol `stop`
 *	           calls host_arrived; adopt is NULL. The carrier is that stream, so it lives
 *	           on its connection's thread.
 *
 * Threads:  the host's loop's; one transport a host and class. `takes` is pure: any thread.
 * Calls:    events come from the loop, never from within a call of transport or carrier. From an
 *           event anything may be called, carrier_close of that carrier too.
 * Memory:   a carrier is on the heap, the transport's; whoever gets it sets `events` and `user`
 *           before the loop's next turn, and gives it back by carrier_close, which it must call
 *           also after `ended`. Its memory goes when the loop has let go of it, and after its
 *           security and muxer were freed; host_hold keeps host_free until then. Ranges given are
 *           borrowed until return; those of `received` too, and may be changed in place.
 * Time:     a dial gives up by itself (HOST_DIAL_S), and closes.
 * Bounds:   connections are counted by the host (limits.h) before dial and adopt, and in
 *           host_arrived. A carrier holds what one write left, and tells how much in `waiting`.
 * Errors:   as each says; `why` is static storage, for logs and people.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"

enum { HOST_TRANSPORTS_MAX = 8 };

struct carrier;
struct host;
struct muxer;
struct security;
struct transport;
struct transport_listener;

enum transport_brings { TRANSPORT_BYTES, TRANSPORT_STREAMS };

/* ---- what a transport offers ---- */

struct transport_dial {
	const struct vd_multiaddr *address; /* that it takes: without the peer's /p2p at the end */
	const struct vd_peer_id *peer;      /* TRANSPORT_STREAMS lets nobody else be up */
	/* Not from where we listen: the last dial may have crossed the peer's (may_cross). */
	bool apart;
};

struct transport_class {
	const char *name; /* "tcp": for logs and metrics */
	enum transport_brings brings;
	/* Whether the address, without the /p2p of the peer that is at its end, is this one's. */
	bool (*takes)(const struct vd_multiaddr *address);

	/* The host's begin and end with it. NULL: it has no state. VD_ENOMEM, VD_ESYS. */
	enum vd_err (*open)(struct transport *transport);
	void (*close)(struct transport *transport);

	/*
	 * Listens from now on, port 0 at any. NULL: it only dials. VD_ESYS, with why and the cure
	 * (HOST_WHY bytes); VD_ENOMEM.
	 */
	enum vd_err (*listen)(struct transport *transport, const struct vd_multiaddr *address,
			      struct transport_listener **listener_out, char *why);
	/* Nobody arrives any more, and the address is free again. */
	void (*unlisten)(struct transport_listener *listener);
	/* The process will be that user soon. NULL: it does not matter. VD_ESYS. */
	enum vd_err (*give)(struct transport_listener *listener, unsigned user);

	/*
	 * A carrier, which is up, of a descriptor that host_accepted was told by this class, on
	 * this host or another one; `fd` is taken, also on failure. NULL: its connections stay
	 * where they arrived. VD_ELINK_CLOSED: it is gone again; VD_ENOMEM.
	 */
	enum vd_err (*adopt)(struct transport *transport, int fd, struct vd_multiaddr *remote_out,
			     struct carrier **carrier_out);

	/*
	 * Begins; `up` or `ended` follows. VD_ELINK_CLOSED, VD_ESYS (ours is the shortage),
	 * VD_ENOMEM: it failed at once, nothing follows.
	 */
	enum vd_err (*dial)(struct transport *transport, const struct transport_dial *dial,
			    struct carrier **carrier_out, const char **why_out);
};

struct transport {
	const struct transport_class *class;
	struct host *host;
	void *state; /* the transport's */
};

/* First member of every listener. */
struct transport_listener {
	struct transport *transport;
	struct vd_multiaddr address; /* as bound */
};

/* ---- what carries a connection ---- */

/* What its user is told. */
struct carrier_events {
	void (*up)(struct carrier *carrier); /* of a dial: once, first */
	void (*received)(struct carrier *carrier, uint8_t *bytes, size_t len);
	/* Bytes: nothing waits any more. Streams: the muxer has events, or room. */
	void (*ready)(struct carrier *carrier);
	/* Once, last. VD_OK: the other side ended it in order; VD_ELINK_CLOSED, VD_ELINK_TIMEOUT,
	 * VD_ESYS, VD_EPEER_*. */
	void (*ended)(struct carrier *carrier, enum vd_err err, const char *why);
};

struct carrier_class {
	/* TRANSPORT_BYTES: */

	/*
	 * Takes all. VD_OK: it is out; VD_AGAIN: a copy of some of it waits, and nothing more may
	 * be written until `ready`. VD_ELINK_CLOSED, VD_ENOMEM: close it.
	 */
	enum vd_err (*write)(struct carrier *carrier, struct vd_bytes bytes);
	/* Whether `received` is wanted; at first not. What is not read holds the peer back. */
	void (*read)(struct carrier *carrier, bool wanted);
	/*
	 * Of all that was written, the bytes that the other side has not got for certain: with a
	 * slow reader it falls long before `ready`. NULL: `waiting` is all that is known.
	 */
	size_t (*left)(const struct carrier *carrier);

	/* TRANSPORT_STREAMS: sends what streams wrote. */
	void (*flush)(struct carrier *carrier);

	/* What waits is dropped; no event follows, and the carrier is void. */
	void (*close)(struct carrier *carrier);
};

/* First member of every carrier; all but events and user are the transport's to write. */
struct carrier {
	const struct carrier_class *class;
	const struct carrier_events *events;
	void *user;
	size_t waiting;           /* bytes that did not go out yet */
	struct vd_udp_addr local; /* once up: our end's address and port; zeros: it has none */
	const char *why;          /* a write failed: the system's reason; NULL: it has none */
	/* Dialled from where we listen: if the peer did so too, both may have made this one, and
	 * both begin to negotiate. */
	bool may_cross;
	/* TRANSPORT_STREAMS, once up: the connection's from then on, which frees both. */
	struct security *security;
	struct muxer *muxer;
};

static inline enum vd_err carrier_write(struct carrier *carrier, struct vd_bytes bytes)
{
	return carrier->class->write(carrier, bytes);
}

static inline size_t carrier_left(const struct carrier *carrier)
{
	return carrier->class->left ? carrier->class->left(carrier) : carrier->waiting;
}

static inline void carrier_read(struct carrier *carrier, bool wanted)
{
	carrier->class->read(carrier, wanted);
}

static inline void carrier_close(struct carrier *carrier)
{
	carrier->class->close(carrier);
}

/* ---- what a transport tells its host ---- */

/* Somebody connected to a listener; `fd` is taken, and goes to `adopt` of this or another host. */
void host_accepted(struct transport *transport, int fd);
/* The same without a descriptor: a carrier that is up, and taken, also on failure. VD_ELIMIT. */
enum vd_err host_arrived(struct transport *transport, struct carrier *carrier,
			 const struct vd_multiaddr *remote);
/* For each libuv handle, and all else that the loop has to let go of before host_free returns. */
void host_hold(struct host *host);
void host_let_go(struct host *host);

/* ---- which transport an address gets ---- */

/* Behind the others. VD_ELIMIT; else as `open`. */
enum vd_err host_transport_add(struct host *host, const struct transport_class *class);
/* The first one that takes it; NULL: none does. The address is without the peer at its end. */
struct transport *host_transport_of(struct host *host, const struct vd_multiaddr *address);
void host_transports_close(struct host *host);

/* An address, and the peer at its end (len 0: none is said). VD_EUSER: that is no peer id. */
enum vd_err transport_split(const struct vd_multiaddr *address, struct vd_multiaddr *bare_out,
			    struct vd_peer_id *peer_out);
