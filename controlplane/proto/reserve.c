/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/reserve.h"

#include <sodium.h>

static const vd_ns wait_first = VD_SECONDS(1), wait_max = VD_SECONDS(60);

void reserve_init(struct reserve *reserve, uint32_t wanted_realms)
{
	*reserve = (struct reserve){ .wanted_realms = wanted_realms, .due = VD_NEVER };
}

static void ask(struct reserve *reserve, vd_ns now)
{
	reserve->state = RESERVE_ASKING;
	reserve->id = randombytes_random();
	reserve->wait = wait_first;
	reserve->due = now;
}

void reserve_begin(struct reserve *reserve, vd_ns now)
{
	ask(reserve, now);
}

void reserve_end(struct reserve *reserve)
{
	reserve_init(reserve, reserve->wanted_realms);
}

bool reserve_send(struct reserve *reserve, struct control_msg *msg_out, vd_ns now)
{
	if (now < reserve->due)
		return false;
	if (reserve->state != RESERVE_ASKING)
		ask(reserve, now);
	*msg_out = (struct control_msg){
		.kind = CONTROL_RESERVE,
		.reserve = { .id = reserve->id, .ttl_s = 0, .realms = reserve->wanted_realms },
	};
	reserve->due = vd_ns_add(now, reserve->wait);
	reserve->wait = vd_ns_min(2 * reserve->wait, wait_max);
	return true;
}

enum vd_err reserve_recv(struct reserve *reserve, const struct control_msg *msg, vd_ns now)
{
	if (reserve->state != RESERVE_ASKING || msg->reserved.id != reserve->id)
		return VD_EPEER_STATE;
	reserve->status = msg->reserved.status;
	if (msg->reserved.status == CONTROL_LIMIT)
		return VD_OK; /* what was granted stays, and the repeats go on */
	if (msg->reserved.status != CONTROL_OK || msg->reserved.ttl_s == 0) {
		reserve->state = RESERVE_REFUSED;
		reserve->held_until = 0;
		reserve->due = vd_ns_add(now, wait_max);
		return VD_OK;
	}
	reserve->state = RESERVE_HELD;
	reserve->realms = msg->reserved.realms;
	reserve->held_until = vd_ns_add(now, VD_SECONDS(msg->reserved.ttl_s));
	reserve->due = vd_ns_add(now, VD_SECONDS(msg->reserved.ttl_s) / 2);
	return VD_OK;
}
