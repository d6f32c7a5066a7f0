/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * control_msg: control messages as plain structs, and their protobuf
 * (control.proto; switch/SPEC.md, 12).
 *
 * protobuf-c stays behind this header. Only verified bytes come here; they are
 * still checked: lengths, ranges, one body.
 *
 * Threads: any. Memory: values; decode copies what it keeps.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/peer_id.h"

enum {
	CONTROL_MSG_MAX = 256, /* bytes of an encoded message of ours */
	CONTROL_ADDRESS_MAX = 64,
	CONTROL_TEXT_MAX = 64, /* of a close, with NUL; cut, and plain, as it is decoded */
};

enum control_kind {
	CONTROL_OBSERVED = 1,
	CONTROL_RESERVE,
	CONTROL_RESERVED,
	CONTROL_QUERY,
	CONTROL_ROUTE,
	CONTROL_CHALLENGE,
	CONTROL_ANSWER,
	CONTROL_CLOSE,
	CONTROL_DRAINING,
};

/* `Status` of switch/SPEC.md, 12; peering tells its refusals by them, too. */
enum control_status {
	CONTROL_OK = 0,
	CONTROL_REFUSED = 1,
	CONTROL_NOT_FOUND = 2,
	CONTROL_LIMIT = 3,
	CONTROL_BAD = 4,
	CONTROL_SHUTDOWN = 5,
};

struct control_msg {
	enum control_kind kind;
	union {
		struct {
			uint8_t len;
			uint8_t address[CONTROL_ADDRESS_MAX]; /* binary multiaddr */
		} observed;
		struct {
			uint32_t id, ttl_s, realms;
		} reserve;
		struct {
			uint32_t id;
			enum control_status status;
			uint32_t ttl_s, realms;
		} reserved;
		struct {
			uint32_t id;
			struct vd_peer_id peer; /* len 0: by overlay address */
			bool by_overlay;
			bool malformed; /* none or both: answer BAD */
			uint8_t overlay[16];
		} query;
		struct {
			uint32_t id;
			enum control_status status;
			struct vd_peer_id peer;
			uint64_t label;
			uint8_t bits;
			uint16_t mtu;
		} route;
		uint8_t challenge[8]; /* also of an answer */
		struct {
			enum control_status status;
			char text[CONTROL_TEXT_MAX];
		} close;
		struct {
			bool ended;
			bool left; /* an edge's answer: no session of mine goes by you */
		} draining;
	};
};

/*
 * VD_EPEER_FORMAT: not a Control message, or none of the bodies above.
 * VD_EPEER_RANGE: a field out of bounds. VD_ENOMEM.
 */
enum vd_err control_msg_decode(struct vd_bytes in, struct control_msg *msg_out);

/* Encodes to `out`, at least CONTROL_MSG_MAX bytes; returns the length. */
size_t control_msg_encode(const struct control_msg *msg, uint8_t out[CONTROL_MSG_MAX]);

/* "ok", "refused", …; static storage. */
const char *control_status_text(enum control_status status);
