/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * reserve: an edge's reservation at one router (switch/SPEC.md, section
 * Reservations): asked for after every handshake with it and at half the ttl,
 * repeated under its id after 1, 2, 4, … 60 s until answered.
 *
 *	state     event                next      does
 *	IDLE      begin                ASKING    asks under a new id
 *	ASKING    due                  ASKING    asks again, waits twice as long
 *	ASKING    reserved OK          HELD      asks again at half the ttl
 *	ASKING    reserved, other      REFUSED   asks again after 60 s
 *	HELD      due (half the ttl)   ASKING    asks under a new id; still holds until the ttl
 *	REFUSED   due                  ASKING    asks under a new id
 *	any       end                  IDLE
 *	any       reserved, other id   same      nothing
 *
 * Sans-IO; control thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "controlplane/proto/control_msg.h"

enum reserve_state { RESERVE_IDLE, RESERVE_ASKING, RESERVE_HELD, RESERVE_REFUSED };

struct reserve {
	enum reserve_state state;
	enum control_status status; /* of the last answer */
	uint32_t id;
	uint32_t wanted_realms; /* 0: all of the tier */
	uint32_t realms;        /* granted */
	vd_ns held_until;       /* 0: none */
	vd_ns wait;             /* between repeats */
	vd_ns due;              /* VD_NEVER: nothing to send */
};

void reserve_init(struct reserve *reserve, uint32_t wanted_realms);

/* The router has a new key generation with us: ask (again). */
void reserve_begin(struct reserve *reserve, vd_ns now);
void reserve_end(struct reserve *reserve);

/* Whether a message is due now; it is written to `msg_out` and counted as sent. */
bool reserve_send(struct reserve *reserve, struct control_msg *msg_out, vd_ns now);

/* A Reserved message of the router. VD_EPEER_STATE when it answers nothing we asked. */
enum vd_err reserve_recv(struct reserve *reserve, const struct control_msg *msg, vd_ns now);

static inline vd_ns reserve_deadline(const struct reserve *reserve)
{
	return reserve->due;
}
