/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * cookie: what a responder under load hands out instead of keeping state
 * (switch/SPEC.md, 3.4): a MAC over where message 1 came from, its e and its sender index.
 * A peer that brings it back can receive at the address it claims.
 *
 * The secret is new every COOKIE_PERIOD, and the one before is still accepted: a cookie is
 * good for one to two periods.
 *
 * Threads: one at a time. Memory: the caller's; holds secrets, wiped by fini.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/time.h"
#include "controlplane/proto/handshake.h"

#define COOKIE_PERIOD VD_SECONDS(120)

enum { COOKIE_SECRET_BYTES = 32, COOKIE_PATH_MAX = 64 };

struct cookie_jar {
	uint8_t secret[COOKIE_SECRET_BYTES];
	uint8_t previous[COOKIE_SECRET_BYTES];
	vd_ns since; /* of `secret` */
};

void cookie_jar_init(struct cookie_jar *jar);
void cookie_jar_fini(struct cookie_jar *jar);

/* For the message 1 in `frame`, which came over `path` (at most COOKIE_PATH_MAX bytes). */
void cookie_make(struct cookie_jar *jar, struct vd_bytes path, const struct handshake_frame *frame,
		 vd_ns now, uint8_t out[HANDSHAKE_COOKIE_BYTES]);
/* Whether the cookie in `frame` was made for it. */
bool cookie_fits(struct cookie_jar *jar, struct vd_bytes path, const struct handshake_frame *frame,
		 vd_ns now);
