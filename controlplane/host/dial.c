/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* dial: one peer's dial: its names, its attempts, and why it failed. */
#include <stdio.h>

#include "controlplane/host/dialer_state.h"

/* How long what waits for another's attempt to end waits before it looks again. */
static const vd_ns look_again = VD_MS(50), ours_hold = VD_SECONDS(5);

/* ---- addresses ---- */

/* Where we listen; interfaces come and go. */
ON_CONTROL static void refresh_ours(struct dialer *dialer, vd_ns now)
{
	struct vd_multiaddr listens[HOST_LISTEN_MAX];

	if (dialer->ours_at && now < vd_ns_add(dialer->ours_at, ours_hold))
		return;
	dialer->ours_count = listen_expand(listens, swarm_listens(dialer->config.swarm, listens),
					   dialer->ours, LISTEN_EXPAND_MAX);
	dialer->ours_at = now ? now : 1;
}

ON_CONTROL static void take_address(struct dial *dial, const struct vd_multiaddr *address,
				    vd_ns now)
{
	struct dialer *dialer = dial->dialer;
	struct dial_plan *plan = &dial->plan;
	vd_ns until;

	refresh_ours(dialer, now);
	if (dial_plan_add(plan, address, dialer->ours, dialer->ours_count))
		return;
	if (!swarm_takes(dialer->config.swarm, &plan->attempts[plan->count - 1].address)) {
		dial_plan_drop(plan, DIAL_NO_TRANSPORT);
		return;
	}
	until = dial_backoff_until(&dialer->backoff, &plan->peer,
				   &plan->attempts[plan->count - 1].address, now);
	if (!until)
		return;
	dial_plan_drop(plan, DIAL_BACKED_OFF);
	dialer->counters.backed_off++;
	if (!dial->again_at || until < dial->again_at)
		dial->again_at = until;
}

/* ---- names ---- */

void dial_keep_why(struct dial *dial, enum vd_err err, const char *why)
{
	if (dial->name_err)
		return;
	dial->name_err = err;
	snprintf(dial->name_why, sizeof dial->name_why, "%s", why);
}

static void on_resolved(void *context, const struct cp_resolver_answer *answer)
{
	struct dial_name *name = context;
	struct dial *dial = name->dial;
	vd_ns now = vd_now();

	vd_role_control();
	for (size_t i = 0; i < answer->count; i++)
		take_address(dial, &answer->addresses[i], now);
	if (answer->done) {
		name->ask = NULL;
		dial->asking--;
		dial_expect(dial);
		if (answer->err)
			dial_keep_why(dial, answer->err, answer->why);
	}
	dial_pump(dial, now);
}

ON_CONTROL static void ask_name(struct dial *dial, const struct vd_multiaddr *address)
{
	struct dial_name *name = &dial->names[dial->name_count];
	char text[VD_MULTIADDR_TEXT], why[NAME_WALK_WHY];
	enum vd_err err;

	if (dial->name_count == DIALER_NAMES_MAX) {
		dial_plan_skip(&dial->plan, DIAL_TOO_MANY);
		return;
	}
	name->dial = dial;
	err = cp_resolver_ask(dial->dialer->resolver, address, on_resolved, name, &name->ask);
	if (err) {
		snprintf(why, sizeof why, "%.160s: %s", vd_multiaddr_text(address, text),
			 err == VD_EUSER ? "that is no name of DNS" : vd_err_text(err));
		dial_keep_why(dial, err, why);
		return;
	}
	dial->name_count++;
	dial->asking++;
	dial_expect(dial);
}

void dial_learn(struct dial *dial, const struct vd_multiaddr *address, vd_ns now)
{
	if (name_walk_needed(address))
		ask_name(dial, address);
	else
		take_address(dial, address, now);
}

/* ---- attempts ---- */

static enum dialer_error error_of(enum vd_err err, const char *why)
{
	if (err == VD_ELINK_TIMEOUT)
		return DIALER_TIMEOUT;
	return why && strcmp(why, uv_strerror(UV_ECONNREFUSED)) == 0 ? DIALER_REFUSED
								     : DIALER_OTHER;
}

static void count_error(struct dial *dial, unsigned attempt, enum dialer_error error)
{
	dial->dialer->counters.errors[dial->plan.attempts[attempt].ip6][error]++;
}

/* Our own limits are not the address' fault. */
ON_CONTROL static void fail(struct dial *dial, unsigned attempt, enum vd_err err, const char *why,
			    enum dialer_error error, vd_ns now)
{
	const struct vd_multiaddr *address = &dial->plan.attempts[attempt].address;

	dial_plan_failed(&dial->plan, attempt, err, why);
	count_error(dial, attempt, error);
	if (vd_err_class(err) != VD_CLASS_LOCAL)
		dial_backoff_add(&dial->dialer->backoff, &dial->plan.peer, address, now);
}

/* It is under way no more. */
static unsigned set_ended(struct dial_try *try)
{
	try->under_way = false;
	try->dial->dialer->attempts--;
	return (unsigned)(try - try->dial->tries);
}

static void on_attempt(void *context, const struct swarm_conn *conn, enum vd_err err,
		       const char *why)
{
	struct dial_try *try = context;
	struct dial *dial = try->dial;
	unsigned attempt = set_ended(try);
	vd_ns now = vd_now();

	vd_role_control();
	if (conn) {
		dial_plan_won(&dial->plan, attempt);
		dialer_finish(dial, conn, VD_OK, NULL);
		return;
	}
	fail(dial, attempt, err, why, error_of(err, why), now);
	dial_pump(dial, now);
}

static void add_peer(struct vd_multiaddr *address, const struct vd_peer_id *peer)
{
	struct vd_write w =
	    vd_write_to(address->bytes + address->len, sizeof address->bytes - address->len);

	vd_write_uvarint(&w, VD_MA_P2P);
	vd_write_uvarint(&w, peer->len);
	vd_write_bytes(&w, vd_peer_id_bytes(peer));
	address->len = (uint16_t)(address->len + vd_write_len(&w));
}

ON_CONTROL static void begin_attempt(struct dial *dial, unsigned attempt, vd_ns now)
{
	struct dial_try *try = &dial->tries[attempt];
	struct vd_multiaddr to = dial->plan.attempts[attempt].address;
	enum vd_err err;

	add_peer(&to, &dial->plan.peer);
	try->dial = dial;
	err = swarm_dial(dial->dialer->config.swarm, &to, on_attempt, try, &try->id);
	if (err) {
		fail(dial, attempt, err, NULL, DIALER_OTHER, now);
		return;
	}
	try->under_way = true;
	dial->dialer->attempts++;
}

ON_CONTROL static void cut_off(struct dial *dial, unsigned attempt)
{
	struct dial_try *try = &dial->tries[attempt];

	swarm_dial_cancel(dial->dialer->config.swarm, try->id);
	set_ended(try);
}

void dial_stop(struct dial *dial)
{
	unsigned attempt;

	while (dial_plan_cancel(&dial->plan, &attempt)) {
		cut_off(dial, attempt);
		count_error(dial, attempt, DIALER_CANCELED);
	}
	for (unsigned i = 0; i < dial->name_count; i++)
		if (dial->names[i].ask)
			cp_resolver_cancel(dial->names[i].ask);
	dial_search_stop(dial);
}

/* ---- why ---- */

static bool was_skipped(const struct dial_plan *plan)
{
	for (unsigned i = 0; i < DIAL_VERDICTS; i++)
		if (plan->skipped[i])
			return true;
	return false;
}

static enum vd_err err_of(const struct dial *dial)
{
	enum vd_err err = dial_plan_err(&dial->plan);

	if (err != VD_ENOTFOUND)
		return err;
	if (dial->again_at)
		return VD_AGAIN;
	return dial->name_err ? dial->name_err : err;
}

static void tell_why(const struct dial *dial, vd_ns now, char out[DIALER_WHY])
{
	char plan_why[DIAL_PLAN_WHY], again[64] = "";
	bool names_only = dial->name_err && !dial->plan.count && !was_skipped(&dial->plan);
	vd_ns wait = dial->again_at > now ? dial->again_at - now : 0;

	dial_plan_why(&dial->plan, plan_why);
	if (dial->again_at)
		snprintf(again, sizeof again, "; try again in %u s",
			 (unsigned)((wait + VD_NS_PER_S - 1) / VD_NS_PER_S));
	snprintf(out, DIALER_WHY, "%s%s%s%s", names_only ? "" : plan_why,
		 names_only || !dial->name_err ? "" : "; ", dial->name_why, again);
}

/* ---- a turn ---- */

ON_CONTROL static void note_connected(struct dial *dial)
{
	for (unsigned i = 0; i < dial->plan.count; i++) {
		const struct dial_try *try = &dial->tries[i];
		vd_ns at =
		    try->under_way ? swarm_dial_up_at(dial->dialer->config.swarm, try->id) : 0;

		if (at)
			dial_plan_connected(&dial->plan, i, at);
	}
}

ON_CONTROL static void expire(struct dial *dial, vd_ns now)
{
	unsigned attempt;

	while (dial_plan_expire(&dial->plan, now, &attempt)) {
		cut_off(dial, attempt);
		count_error(dial, attempt, DIALER_DEADLINE);
		dial_backoff_add(&dial->dialer->backoff, &dial->plan.peer,
				 &dial->plan.attempts[attempt].address, now);
	}
}

/* Begins what is due; false: some of it waits for attempts of other dials to end. */
ON_CONTROL static bool begin_due(struct dial *dial, vd_ns now)
{
	unsigned attempt;

	while (dial->dialer->attempts < DIALER_ATTEMPTS_MAX) {
		if (!dial_plan_next(&dial->plan, now, &attempt))
			return true;
		begin_attempt(dial, attempt, now);
	}
	return false;
}

void dial_pump(struct dial *dial, vd_ns now)
{
	const struct swarm_conn *conn = swarm_find(dial->dialer->config.swarm, &dial->plan.peer);
	bool begun;

	if (conn) { /* ours, or one that the peer opened meanwhile */
		dialer_finish(dial, conn, VD_OK, NULL);
		return;
	}
	dialer_learn_kept(dial, now);
	note_connected(dial);
	expire(dial, now);
	begun = begin_due(dial, now);
	dial_search_next(dial, now);
	if (dial_plan_state(&dial->plan) == DIAL_PLAN_FAILED) {
		char why[DIALER_WHY];

		tell_why(dial, now, why);
		dialer_finish(dial, NULL, err_of(dial), why);
		return;
	}
	dialer_due(dial, begun ? dial_plan_deadline(&dial->plan) : vd_ns_add(now, look_again));
}
