/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * ping: /viaduct/ping/1, inside sealed frames (switch/SPEC.md, 11.4):
 *
 *	request  00 ‖ id(8) ‖ padding
 *	reply    01 ‖ id(8) ‖ length received(2), counted from the request's 00
 *
 * It measures round trips, and by its padding the path's MTU.
 *
 * Threads: any. Memory: borrows.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define PING_NAME "/viaduct/ping/1"

enum { PING_REQUEST_BYTES = 9, PING_REPLY_BYTES = 11 };
enum ping_kind { PING_REQUEST = 0, PING_REPLY = 1 };

struct ping {
	enum ping_kind kind;
	uint64_t id;
	uint16_t received; /* request: the length it has; reply: the length its request had */
};

/* VD_EPEER_TRUNC, VD_EPEER_FORMAT (unknown kind, or bytes after a reply), VD_EPEER_RANGE. */
enum vd_err ping_read(struct vd_bytes in, struct ping *ping_out);
/* A request is padded with zeros to `received` bytes, if that is more than it needs. */
void ping_write(struct vd_write *w, const struct ping *ping);
