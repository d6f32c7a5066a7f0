/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * exchange: what crosses between a worker and the control thread.
 *
 * Up: punts, what needs thought. Down: injections, what the control thread wants
 * sent, or asks an owner to write. Both are items of bounded lanes, copied, so
 * that no buffer changes hands between planes.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/udp_addr.h"
#include "switch/label.h"
#include "switch/lane.h"
#include "switch/link.h"
#include "switch/session.h"

/* A way to a neighbour: our port and address, its address. */
struct sw_endpoint {
	uint8_t port; /* the port's number */
	struct vd_udp_addr local;
	struct vd_udp_addr remote;
};

/*
 * The hash that records and packets carry for (port, remote); never 0. Tells a moved
 * neighbour; nothing is looked up by it, so collisions made on purpose gain nothing.
 */
static inline uint32_t sw_path_hash(uint8_t port, const struct vd_udp_addr *remote)
{
	uint64_t high, low;

	memcpy(&high, remote->ip, sizeof high);
	memcpy(&low, remote->ip + sizeof high, sizeof low);
	high = (high ^ UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
	low ^= high ^ high >> 31 ^ (uint64_t)remote->port << 8 ^ port;
	low *= UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(low >> 32) | 1;
}

enum { SW_EXCHANGE_BYTES = 2048 }; /* largest datagram that crosses */

enum sw_punt_kind {
	SW_PUNT_DATAGRAM,     /* a datagram with outer index other than 6, or an unknown one */
	SW_PUNT_PAYLOAD,      /* a switch frame's payload for us, other than an open sealed frame */
	SW_PUNT_INNER,        /* plaintext of a session other than /ip6; may be empty, or cut */
	SW_PUNT_REPORT,       /* a report about a frame that we sent lately, under `session` */
	SW_PUNT_MOVED,        /* a frame verified, with the highest counter, from another address */
	SW_PUNT_WANT_SESSION, /* an overlay packet for a known peer without session; `overlay` */
	SW_PUNT_UNKNOWN,      /* index 6 with an unknown receiver index: bytes are its first 13 */
};

/* Lanes of punts, best first: what is in one never waits for, or is dropped for, what is behind. */
enum sw_punt_lane {
	SW_PUNTS_KNOWN, /* of sessions and links that are up, each within its share; our wants */
	SW_PUNTS_LINKS, /* came by a link, and is verified no further, within the link's share */
	SW_PUNTS_STRANGERS, /* anybody's; and what is over a share */
	SW_PUNT_LANES,
};

struct sw_punt {
	uint8_t kind; /* enum sw_punt_kind */
	uint8_t worker;
	uint8_t flags;           /* of the switch header: PAYLOAD */
	uint8_t used;            /* PAYLOAD */
	uint8_t lane;            /* enum sw_punt_lane */
	uint16_t len;            /* of bytes */
	uint16_t frame_len;      /* MOVED: bytes of the datagram; INNER: of the plaintext, whole */
	uint32_t link;           /* index it came by: PAYLOAD, INNER (0: unknown), MOVED */
	uint32_t session;        /* index: INNER, REPORT */
	uint64_t label;          /* as received: PAYLOAD */
	vd_ns at;                /* when the burst was received */
	struct sw_endpoint from; /* DATAGRAM, MOVED, UNKNOWN */
	uint8_t overlay[SW_IPV6_ADDR];
	uint8_t bytes[SW_EXCHANGE_BYTES];
};

enum sw_inject_kind {
	SW_INJECT_DATAGRAM,      /* bytes to a neighbour, as they are: send */
	SW_INJECT_PAYLOAD,       /* bytes as the payload of a switch frame: link, label, flags */
	SW_INJECT_INNER,         /* plaintext to seal: session, path (link 0: its own) */
	SW_INJECT_LINK_TEMPLATE, /* owner: write the send template: link, send */
	SW_INJECT_SESSION_PATH,  /* owner: write the path: session, path */
};

struct sw_inject {
	uint8_t kind;  /* enum sw_inject_kind */
	uint8_t flags; /* of the switch header: PAYLOAD */
	uint16_t len;
	uint32_t link;
	uint32_t session;
	uint32_t pad; /* INNER: zeros behind the bytes */
	uint64_t label;
	struct sw_path path;
	struct sw_template send;
	uint8_t bytes[SW_EXCHANGE_BYTES];
};

/*
 * A wake-up for a thread that sleeps on a file descriptor. The sleeper announces
 * (announce), looks at its lanes once more, and sleeps; a producer that finds it
 * announced after a push wakes it: one system call for each sleep, none while
 * it is awake.
 */
struct sw_wake {
	_Alignas(SW_CACHE_LINE) _Atomic uint32_t asleep; /* writer: sleeper; producers clear it */
	int fd;                                          /* eventfd */
};

enum vd_err sw_wake_init(struct sw_wake *wake); /* VD_ESYS */
void sw_wake_fini(struct sw_wake *wake);
void sw_wake_announce(struct sw_wake *wake); /* about to sleep: look at the lanes after this */
void sw_wake_clear(struct sw_wake *wake);    /* awake again: drains the descriptor */
void sw_wake_up(struct sw_wake *wake);       /* producer, after its push */
