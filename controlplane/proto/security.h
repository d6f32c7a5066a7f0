/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * security: what every secure channel offers to a connection: Noise (noise_stream), TLS
 * (tls_stream), and what may come. Bytes of the wire on one side, plaintext on the other.
 *
 *	wire ->  security_receive            security_input, _taken   -> plaintext
 *	wire <-  security_next_output, _sent            security_write <- plaintext
 *
 * A connection's turn:
 *
 *	err = security_receive(s, wire, &used);
 *	while ((plain = security_input(s)).len)
 *		…, security_taken(s, n);
 *	err = security_write(s, plain, &took);
 *	while ((wire = security_next_output(s)).len)
 *		…, security_sent(s, n);
 *
 * used < len: plaintext or output waits; take it, then give the rest again.
 * took < len: output waits.
 *
 * State: a handshake, then open, then ended by the peer (input stays readable) or failed. What
 * there is to send is sent in every state: after a failure it is the alert that says why. Before
 * security_open is true, security_write takes nothing and security_input has nothing.
 *
 * Back-pressure: both queues are bounded by the machine; a caller that does not take input, or
 * does not send output, finds that receive or write takes less than it was given.
 *
 * Threads:  one at a time, any; no shared state between machines.
 * Memory:   a machine is on the heap from x_new to security_free. Ranges given in are borrowed
 *           until return; ranges handed out until the next call on the same machine.
 * Errors:   of receive: VD_EPEER_* (what came is wrong, or proves another peer): send what there
 *           is to send and close; the machine is failed and stays so. VD_ENOMEM. VD_EBUG_STATE
 *           after a failure.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/key.h"
#include "base/formats/peer_id.h"

enum { SECURITY_MUXERS = 4 }; /* stream muxers that are offered, or looked at */

/* What a machine needs; kept by reference until it is freed, and the same for all connections. */
struct security_config {
	const struct vd_identity *identity;
	/* Protocol ids of stream muxers, the preferred one first; NULL ends the list. Told in the
	 * handshake (libp2p/specs, connections/inlined-muxer-negotiation). */
	const char *const *muxers;
};

struct security;

struct security_class {
	const char *protocol; /* for multistream-select: "/noise" */
	enum vd_err (*receive)(struct security *s, struct vd_bytes wire, size_t *used_out);
	struct vd_bytes (*input)(struct security *s);
	void (*taken)(struct security *s, size_t len);
	enum vd_err (*write)(struct security *s, struct vd_bytes plain, size_t *took_out);
	struct vd_bytes (*next_output)(struct security *s);
	void (*sent)(struct security *s, size_t len);
	size_t (*buffered)(const struct security *s);
	void (*close)(struct security *s);
	void (*free)(struct security *s);
};

enum security_state {
	SECURITY_HANDSHAKE,
	SECURITY_OPEN,
	SECURITY_ENDED, /* the peer said that nothing follows (TLS: close_notify) */
	SECURITY_FAILED,
};

/* First member of every machine; `class` apart, its fields are the machine's to write. */
struct security {
	const struct security_class *class;
	enum security_state state;
	/* Once open: who the peer proved to be, and its public key's protobuf. */
	struct vd_peer_id peer;
	struct vd_bytes public_key; /* the machine's, until freed */
	/* Of security_config.muxers, the one the handshake agreed on; NULL: negotiate it. */
	const char *muxer;
	/* After a failure: what was wrong, for a log and a counter; static storage. */
	const char *reason;
};

/* Takes wire bytes. At most wire.len are used; fewer only when plaintext waits to be taken, or
 * output to be sent. */
static inline enum vd_err security_receive(struct security *s, struct vd_bytes wire,
					   size_t *used_out)
{
	return s->class->receive(s, wire, used_out);
}

/* Plaintext that waits, all of it or a part; empty when there is none. */
static inline struct vd_bytes security_input(struct security *s)
{
	return s->class->input(s);
}

/* The first `len` bytes of the input are done with. */
static inline void security_taken(struct security *s, size_t len)
{
	s->class->taken(s, len);
}

/* Seals plaintext; what is taken is copied. VD_AGAIN with nothing taken: not open, or no room. */
static inline enum vd_err security_write(struct security *s, struct vd_bytes plain,
					 size_t *took_out)
{
	return s->class->write(s, plain, took_out);
}

/* Bytes for the wire; empty when there are none. */
static inline struct vd_bytes security_next_output(struct security *s)
{
	return s->class->next_output(s);
}

/* The first `len` bytes of the output went out. */
static inline void security_sent(struct security *s, size_t len)
{
	s->class->sent(s, len);
}

/* Memory of what waits inside, both ways: a record that is not whole yet, too. */
static inline size_t security_buffered(const struct security *s)
{
	return s->class->buffered(s);
}

/* Nothing more will be written: TLS says so to the peer, Noise has no word for it. */
static inline void security_close(struct security *s)
{
	s->class->close(s);
}

/* Wipes and frees; NULL is allowed. */
static inline void security_free(struct security *s)
{
	if (s)
		s->class->free(s);
}

static inline bool security_open(const struct security *s)
{
	return s->state == SECURITY_OPEN || s->state == SECURITY_ENDED;
}
