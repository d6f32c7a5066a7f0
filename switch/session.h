/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * session: records of end-to-end sessions at an edge.
 *
 * A session frame is the payload of a switch frame: index 5, receiver index,
 * counter, ciphertext, tag (switch/SPEC.md, section 5). Workers seal and open;
 * the plaintext is a multigram: the session's /ip6 goes between the TUN and the wire without the
 * control thread, everything else is punted to it.
 *
 * Writers as in link.h: index and keys at publishing; `tx_counter`… and windows by
 * the owner; the path by the owner when the control thread asks it to.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/aead.h"
#include "base/bytes.h"
#include "base/thread.h"
#include "switch/link.h"
#include "switch/packet.h"
#include "switch/window.h"

enum {
	SW_SEAL_HEADER = 13, /* index 5, receiver index, counter */
	SW_SEAL_OVERHEAD = SW_SEAL_HEADER + VD_AEAD_TAG_BYTES,
	SW_SEAL_SHORT = 2048, /* a key that sealed a longer frame wears out sooner (SW-11-4) */
	SW_ECHOES = 1024,     /* frames of a session that are remembered (echo.h) */
	SW_IP6_INDICES = 4,
	SW_INNER_MAX = 2, /* bytes of an inner multigram index at most (table of 64 entries) */
	/* around an overlay packet in a switch payload, under the shortest inner index */
	SW_IP6_OVERHEAD = SW_SEAL_OVERHEAD + 1,
};

/* Where a session's frames go: the link to the first switch, and the route from it. */
struct sw_path {
	uint32_t link;        /* index, whole; 0: none */
	uint16_t payload_max; /* largest switch payload over it */
	uint16_t reserved;
	uint64_t label;
};

struct sw_session {
	/* receive */
	_Alignas(SW_CACHE_LINE) _Atomic uint32_t index; /* ours, whole; 0: not live */
	uint8_t owner; /* worker that seals and opens; written before publishing */
	/* inner index of /viaduct/ip6/1 in sent frames, 0: none; writer: control; readers: owner */
	_Atomic uint8_t ip6_tx;
	uint16_t reserved;
	/* all those of received frames, a byte each, 0: no more; writer: control; readers: owner */
	_Atomic uint32_t ip6_rx;
	uint32_t reserved2;
	uint64_t top;                  /* writer: owner */
	_Atomic uint64_t rx_frames;    /* writer: owner; readers: control; that verified */
	_Atomic uint64_t rx_bytes;     /* of plaintext */
	struct sw_window window;       /* writer: owner */
	uint8_t overlay[SW_IPV6_ADDR]; /* the peer's overlay address */
	struct vd_aead rx_key;

	/* send */
	_Alignas(SW_CACHE_LINE) uint32_t remote_index;
	_Atomic uint32_t
	    replaced_by; /* writer: control; index of the newer generation to send with */
	_Atomic uint64_t tx_counter; /* writer: owner; last one used; = frames sent */
	_Atomic uint64_t tx_bytes;   /* writer: owner; of plaintext */
	struct sw_path path;         /* writer: owner */
	_Atomic bool tx_long; /* writer: owner; readers: control; a frame above SW_SEAL_SHORT */
	struct vd_aead tx_key;
};

struct sw_session_table {
	struct sw_session *sessions; /* [capacity] */
	struct sw_slots slots;       /* control only */
	uint32_t capacity;           /* 0: none */
	_Atomic uint32_t high;       /* writer: control; slots [0, high) have ever been live */
	_Atomic uint64_t *echoes;    /* [capacity * SW_ECHOES]; writer: owner; readers: workers */
};

struct sw_session_config {
	enum vd_cipher cipher;
	uint8_t rx_key[VD_AEAD_KEY_BYTES];
	uint8_t tx_key[VD_AEAD_KEY_BYTES];
	uint32_t remote_index;
	uint8_t owner;
	uint8_t ip6[SW_IP6_INDICES]; /* inner indices of /viaduct/ip6/1, ascending; 0: no more */
	uint8_t overlay[SW_IPV6_ADDR];
	struct sw_path path;
};

/* As their namesakes of link.h. Control thread. */
enum vd_err sw_session_table_init(struct sw_session_table *table, uint32_t capacity) ON_CONTROL;
void sw_session_table_fini(struct sw_session_table *table) ON_CONTROL;
enum vd_err sw_session_reserve(struct sw_session_table *table, uint32_t *index_out) ON_CONTROL;
void sw_session_release(struct sw_session_table *table, uint32_t index) ON_CONTROL;
void sw_session_publish(struct sw_session_table *table, uint32_t index,
			const struct sw_session_config *config) ON_CONTROL;
void sw_session_retire(struct sw_session_table *table, uint32_t index) ON_CONTROL;
struct sw_session *sw_session_find(const struct sw_session_table *table, uint32_t index);
/* More are granted: all are received from now on; sent is with the first that there ever was. */
void sw_session_set_ip6(struct sw_session_table *table, uint32_t index,
			const uint8_t ip6[SW_IP6_INDICES]) ON_CONTROL;

/* Whether frames under this inner index carry IPv6 packets. Any worker. */
static inline bool sw_session_is_ip6(const struct sw_session *session, uint8_t index)
{
	uint32_t word = atomic_load_explicit(&session->ip6_rx, memory_order_relaxed);
	uint8_t ip6[SW_IP6_INDICES];
	bool found = false;

	memcpy(ip6, &word, sizeof ip6);
	for (size_t i = 0; i < SW_IP6_INDICES; i++)
		found |= ip6[i] == index;
	return found && index != 0;
}

/*
 * Opens in place the sealed frame `frame` (index byte included) of a delivered
 * payload. On success, the plaintext is at `frame` + SW_SEAL_HEADER,
 * `*plain_out` tells its range, and the counter is marked. Owner only.
 * VD_EPEER_TRUNC, VD_EPEER_REPLAY, VD_EPEER_AUTH.
 */
enum vd_err sw_session_open(struct sw_session *session, uint8_t *frame, size_t len,
			    struct vd_bytes *plain_out) ON_WORKER;

/*
 * Seals `len` plaintext bytes at `plain` in place: writes the 13 header bytes
 * before it and the tag of 16 bytes after it; the frame is at
 * plain - SW_SEAL_HEADER, `len` + SW_SEAL_OVERHEAD bytes. Owner only.
 */
void sw_session_seal(struct sw_session *session, uint8_t *plain, size_t len) ON_WORKER;
