/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* swarm_dial: attempts: one address each, on one place; whoever asks for the same shares it. */
#include <stdlib.h>

#include "controlplane/host/swarm_state.h"

/* ---- the end of an attempt ---- */

static void unlink_attempt(struct swarm *swarm, struct swarm_attempt *attempt)
{
	struct swarm_attempt **at = &swarm->attempts;

	while (*at != attempt)
		at = &(*at)->next;
	*at = attempt->next;
}

/* The connection that it made; a better one to the same peer if there is one by now. */
ON_CONTROL static const struct swarm_conn *result_of(const struct swarm_attempt *attempt)
{
	const struct swarm *swarm = attempt->place->swarm;
	struct swarm_row *row = attempt->conn ? swarm_row(swarm, attempt->conn) : NULL;
	struct swarm_row *best = row ? swarm_preferred(swarm, &row->conn.info.peer) : NULL;

	return best ? swarm_look(best) : NULL;
}

/* It stays listed while its waiters are told, so that one of them may cancel another. */
void swarm_read_ended(struct letter *letter)
{
	struct swarm_attempt *attempt = LETTER_IN(letter, struct swarm_attempt, ended);
	struct swarm *swarm = attempt->place->swarm;

	attempt->answered = true;
	while (attempt->waiting) {
		struct swarm_waiter *one = attempt->waiting;
		const struct swarm_conn *conn = result_of(attempt);
		enum vd_err err = attempt->err ? attempt->err : VD_ELINK_CLOSED;

		attempt->waiting = one->next;
		if (conn)
			one->done(one->context, conn, VD_OK, NULL);
		else
			one->done(one->context, NULL, err,
				  attempt->err ? attempt->why : "closed again at once");
		free(one);
	}
	unlink_attempt(swarm, attempt);
	free(attempt);
}

/* ---- its begin ---- */

static struct swarm_attempt *find_attempt(const struct swarm *swarm,
					  const struct vd_multiaddr *address)
{
	for (struct swarm_attempt *attempt = swarm->attempts; attempt; attempt = attempt->next)
		if (!attempt->answered && attempt->waiting &&
		    vd_multiaddr_equal(&attempt->address, address))
			return attempt;
	return NULL;
}

static struct swarm_attempt *add_attempt(struct swarm *swarm, struct swarm_place *place,
					 const struct vd_multiaddr *address)
{
	struct swarm_attempt *attempt = calloc(1, sizeof *attempt);

	if (!attempt)
		return NULL;
	attempt->begin.read = swarm_place_begin_attempt;
	attempt->ended.read = swarm_read_ended;
	attempt->place = place;
	attempt->address = *address;
	attempt->number = ++swarm->attempt_count;
	attempt->next = swarm->attempts;
	swarm->attempts = attempt;
	return attempt;
}

/* For a peer that is connected: answered by letter, as all others. */
static struct swarm_attempt *answer_at_once(struct swarm *swarm, struct swarm_row *row,
					    const struct vd_multiaddr *address)
{
	struct swarm_attempt *attempt = add_attempt(swarm, row->place, address);

	if (!attempt)
		return NULL;
	attempt->answered = true;
	attempt->conn = row->conn.id;
	mailbox_post_always(&swarm->own, &attempt->ended);
	return attempt;
}

ON_CONTROL static enum vd_err begin(struct swarm *swarm, const struct vd_multiaddr *address,
				    struct swarm_attempt **attempt_out)
{
	struct swarm_place *place = swarm_least_place(swarm);
	struct swarm_attempt *attempt = add_attempt(swarm, place, address);

	if (!attempt)
		return VD_ENOMEM;
	if (!mailbox_post(&place->down, &attempt->begin)) {
		unlink_attempt(swarm, attempt);
		free(attempt);
		return VD_ELIMIT;
	}
	place->handed++;
	*attempt_out = attempt;
	return VD_OK;
}

ON_CONTROL static enum vd_err attempt_for(struct swarm *swarm, const struct vd_multiaddr *address,
					  const struct vd_peer_id *peer,
					  struct swarm_attempt **attempt_out)
{
	struct swarm_row *row = swarm_preferred(swarm, peer);

	*attempt_out = row ? answer_at_once(swarm, row, address) : find_attempt(swarm, address);
	if (*attempt_out)
		return VD_OK;
	return row ? VD_ENOMEM : begin(swarm, address, attempt_out);
}

enum vd_err swarm_dial(struct swarm *swarm, const struct vd_multiaddr *address, swarm_dial_fn done,
		       void *context, uint64_t *dial_out)
{
	struct vd_multiaddr bare;
	struct vd_peer_id peer;
	struct swarm_waiter *waiter;
	struct swarm_attempt *attempt;
	enum vd_err err;

	if (swarm->stopping)
		return VD_ELINK_CLOSED;
	if (transport_split(address, &bare, &peer) || !peer.len ||
	    !host_transport_of(swarm->front, &bare) ||
	    vd_peer_id_equal(&peer, &swarm->identity->id))
		return VD_EUSER;
	waiter = malloc(sizeof *waiter);
	if (!waiter)
		return VD_ENOMEM;
	err = attempt_for(swarm, address, &peer, &attempt);
	if (err) {
		free(waiter);
		return err;
	}
	*waiter = (struct swarm_waiter){ ++swarm->dials, done, context, attempt->waiting };
	attempt->waiting = waiter;
	if (dial_out)
		*dial_out = waiter->dial;
	return VD_OK;
}

static bool remove_waiter(struct swarm_attempt *attempt, uint64_t dial)
{
	struct swarm_waiter **at = &attempt->waiting, *waiter;

	while (*at && (*at)->dial != dial)
		at = &(*at)->next;
	waiter = *at;
	if (!waiter)
		return false;
	*at = waiter->next;
	free(waiter);
	return true;
}

void swarm_dial_cancel(struct swarm *swarm, uint64_t dial)
{
	struct swarm_attempt *attempt = swarm->attempts;

	while (attempt && !remove_waiter(attempt, dial))
		attempt = attempt->next;
	if (attempt && !attempt->waiting && !attempt->answered)
		swarm_place_cancel(attempt->place, attempt->number);
}

static bool waits(const struct swarm_attempt *attempt, uint64_t dial)
{
	const struct swarm_waiter *waiter = attempt->waiting;

	while (waiter && waiter->dial != dial)
		waiter = waiter->next;
	return waiter;
}

vd_ns swarm_dial_up_at(const struct swarm *swarm, uint64_t dial)
{
	const struct swarm_attempt *attempt = swarm->attempts;

	while (attempt && !waits(attempt, dial))
		attempt = attempt->next;
	return attempt ? atomic_load_explicit(&attempt->up_at, memory_order_relaxed) : 0;
}
