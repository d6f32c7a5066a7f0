/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * rig: EAL on normal pages, planes with workers whose turns the test takes, and ports
 * in memory. One thread is every worker in turn; each test is a process, so EAL comes
 * up once in each.
 */
#include "dataplane/buffer.h"
#include "dataplane/eal.h"
#include "dataplane/worker.h"
#include "switch/outer.h"

enum { RIG_WORKERS = 2, RIG_QUEUE = 512, RIG_BYTES = 9200 };

/* A port in memory: what the test puts in is received, what is sent can be looked at. */
struct rig_datagram {
	uint16_t len;
	struct vd_udp_addr local, remote; /* out: as the template has them */
	uint8_t traffic_class;
	uint8_t bytes[RIG_BYTES];
};

struct rig_port {
	struct dp_port head;
	unsigned in_count, out_count, out_read;
	struct rig_datagram in[RIG_QUEUE], out[RIG_QUEUE];
};

struct rig {
	struct sw_plane plane;
	struct rte_mempool *pool;
	struct rig_port *memory; /* ports[0] unless the test brought its own */
	struct dp_port *ports[DP_PORTS_MAX];
	unsigned port_count;
	struct dp_worker *workers[RIG_WORKERS];
	struct dp_tun tun;
	int tun_ends[RIG_WORKERS]; /* the test's end of each TUN queue */
	vd_ns now;
};

/* Before all others: buffers and links for packets of 9,000 bytes. */
void rig_use_jumbo(void);
/* Brings EAL, RCU and a pool up (once), and a plane with `workers` and a memory port. */
struct rig *rig_new(unsigned workers, unsigned width, bool tun);
/* The same with `port` instead of the memory port; takes it. */
struct rig *rig_new_on(struct dp_port *port, unsigned workers);
void rig_free(struct rig *rig);

struct rte_mempool *rig_pool(void);

/* A turn of each worker, `times` times. */
unsigned rig_turns(struct rig *rig, unsigned times);

struct vd_udp_addr rig_addr(uint8_t last, uint16_t port); /* 198.18.0.last */

/* Lets a datagram arrive at the memory port. */
void rig_arrive(struct rig *rig, const struct vd_udp_addr *from, const void *bytes, size_t len);
/* The next datagram that the memory port sent, or NULL. */
const struct rig_datagram *rig_sent(struct rig *rig);
/* Moves all that `from` sent to `to`, as from `as`; how many. */
unsigned rig_wire(struct rig *from, struct rig *to, const struct vd_udp_addr *as);

/* The next punt of any worker, copied; false: none. */
bool rig_punt(struct rig *rig, struct sw_punt *punt_out);
/* Copies the item to the worker's lane. */
void rig_inject(struct rig *rig, unsigned worker, const struct sw_inject *inject, const void *bytes,
		size_t len);

/* Two links that are each other's ends, on planes a and b (may be one plane). */
struct rig_pair {
	uint32_t a, b; /* indices */
};
struct rig_pair rig_link(struct rig *a, uint8_t owner_a, struct rig *b, uint8_t owner_b,
			 uint32_t director_a, uint32_t director_b);

/* Two sessions that are each other's ends, over links; labels 0. */
struct rig_pair rig_session(struct rig *a, uint8_t owner_a, struct rig *b, uint8_t owner_b,
			    struct rig_pair links);

/* fd76::last, as overlay address. */
void rig_overlay(uint8_t last, uint8_t out[SW_IPV6_ADDR]);
/* Publishes own address and one route. */
void rig_route(struct rig *rig, uint8_t self, uint8_t peer, uint32_t session);
/* An IPv6 packet of 40 + 8 bytes. */
size_t rig_ip6(uint8_t source, uint8_t destination, uint8_t out[64]);

uint64_t rig_drops(const struct rig *rig, enum sw_drop drop); /* of all workers */
