/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * port: what every kind of port offers to the worker loop: bursts in, bursts out,
 * and a descriptor to sleep on. Queue i of a port is worker i's alone.
 *
 * Kinds: port_dpdk (any ethdev), port_udp (plain sockets); benches and tests bring
 * their own. One indirect call a burst, none a packet.
 *
 * Buffers are mbufs of one pool (buffer.h) whatever the port. A received packet
 * keeps what tells its sender (headers before the frame, or the private area)
 * until it is sent or freed.
 *
 * Threads: recv, send, fd: worker `queue`. from: any worker that holds the packet.
 *          view, close: control.
 */
#include <rte_mbuf.h>

#include "base/thread.h"
#include "dataplane/dataplane.h"
#include "switch/exchange.h"
#include "switch/packet.h"
#include "switch/plane.h"

/* A packet that a port drops, for who looks (switch/capture.h). Borrowed until the call returns. */
struct dp_dropped {
	unsigned drop; /* enum sw_drop */
	bool out;
	bool raw;               /* `bytes` begin with the IP header: it is no frame of ours */
	const uint8_t *bytes;   /* else with the frame's first byte */
	uint16_t kept, len;     /* of `bytes`; of the packet */
	struct sw_endpoint way; /* in: as far as the headers tell it */
	const struct sw_template *send; /* out */
};

/* What a worker lends to a port for one burst. */
struct dp_io {
	struct rte_mempool *pool;
	struct sw_counters *counters;           /* drops are counted here */
	const struct sw_neighbours *neighbours; /* of this turn; NULL: none published */
	unsigned queue;                         /* = worker */
	/* Told what is dropped, before it is freed; NULL: nobody looks. */
	void (*dropped)(void *looker, const struct dp_dropped *dropped);
	void *looker;
};

/* One datagram on its way out. The port owns `buffer` from send on. */
struct dp_out {
	uint8_t *frame;
	struct rte_mbuf *buffer;
	const struct sw_template *send; /* borrowed until send returns */
	uint16_t len;
	uint8_t traffic_class; /* of the outer IP header */
};

struct dp_port;

struct dp_port_ops {
	const char *driver;
	/*
	 * Up to `max` packets: frame, buffer, path, len, port, and in flags the outer ECN, are
	 * set, the rest is zero.
	 * Packets that are not ours or malformed are counted and freed within.
	 */
	unsigned (*recv)(struct dp_port *port, const struct dp_io *io,
			 struct sw_packet *packets_out, unsigned max);
	/* Takes all; what the port does not accept is counted and freed within. */
	void (*send)(struct dp_port *port, const struct dp_io *io, const struct dp_out *outs,
		     unsigned count);
	/* The way a received packet came. */
	void (*from)(const struct dp_port *port, const struct sw_packet *packet,
		     struct sw_endpoint *from_out);
	/* Readable when packets wait at this queue; -1: there is none. */
	int (*fd)(const struct dp_port *port, unsigned queue);
	/* Fills what this kind knows; name and driver are filled already. */
	void (*view)(const struct dp_port *port, struct dp_port_view *view_out);
	void (*close)(struct dp_port *port); /* frees the port */
};

/* One that goes out and is dropped; for who looks. */
static inline void dp_port_lost(const struct dp_io *io, unsigned drop, const struct dp_out *out)
{
	const struct dp_dropped dropped = {
		.drop = drop,
		.out = true,
		.bytes = out->frame,
		.kept = out->len,
		.len = out->len,
		.send = out->send,
	};

	if (__builtin_expect(io->dropped != NULL, 0))
		io->dropped(io->looker, &dropped);
}

/* The head of every kind's own structure. */
struct dp_port {
	const struct dp_port_ops *ops;
	uint8_t number;
	char name[DP_NAME];
};

/* What opening a port needs beside its configuration. */
struct dp_port_setup {
	const struct dp_config *config;
	const struct dp_port_config *port;
	struct rte_mempool *pool;
	uint8_t number;
};

/* Each: VD_ESYS, VD_ENOMEM, VD_EUSER with `why`. */
enum vd_err dp_port_dpdk_open(const struct dp_port_setup *setup, struct dp_port **port_out,
			      char why[DP_WHY]) ON_CONTROL;
enum vd_err dp_port_udp_open(const struct dp_port_setup *setup, struct dp_port **port_out,
			     char why[DP_WHY]) ON_CONTROL;
