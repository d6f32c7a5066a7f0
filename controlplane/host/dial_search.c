/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* dial_search: the peer routers are asked for a peer's addresses, one after the other. */
#include <stdio.h>

#include "controlplane/host/dialer_state.h"

static struct dial *dial_of(struct peer_search *search)
{
	return LETTER_IN(search, struct dial, search);
}

static struct peer_router *router_of(const struct dial *dial)
{
	return dial->dialer->config.routers[dial->routers_asked - 1];
}

static void keep_router_why(struct dial *dial, enum vd_err err, const char *why)
{
	char text[NAME_WALK_WHY];

	snprintf(text, sizeof text, "%s: %.160s", router_of(dial)->class->name,
		 why ? why : vd_err_text(err));
	dial_keep_why(dial, err, text);
}

static bool is_one_left(const struct dial *dial)
{
	return dial->routers_asked < DIALER_ROUTERS_MAX &&
	       dial->dialer->config.routers[dial->routers_asked];
}

void dial_expect(struct dial *dial)
{
	dial_plan_expect(&dial->plan, dial->asking || dial->searching || is_one_left(dial));
}

/* The dial is pumped from the timer, as it may end, and the router is not done yet. */
static void on_found(struct peer_search *search, const struct vd_multiaddr *addresses, size_t count)
{
	struct dial *dial = dial_of(search);
	vd_ns now = vd_now();

	vd_role_control();
	for (size_t i = 0; i < count; i++)
		dial_learn(dial, &addresses[i], now);
	dialer_due(dial, now);
}

static void on_done(struct peer_search *search, enum vd_err err, const char *why)
{
	struct dial *dial = dial_of(search);

	vd_role_control();
	dial->searching = false;
	if (err)
		keep_router_why(dial, err, why);
	dial_expect(dial);
	dialer_due(dial, vd_now());
}

ON_CONTROL static void ask(struct dial *dial, vd_ns now)
{
	enum vd_err err;

	dial->routers_asked++;
	dial->search = (struct peer_search){
		.peer = dial->plan.peer,
		.deadline = vd_ns_min(vd_ns_add(now, VD_SECONDS(DIALER_FIND_S)), dial->plan.until),
		.found = on_found,
		.done = on_done,
	};
	err = peer_router_find(router_of(dial), &dial->search);
	dial->searching = err == VD_AGAIN;
	if (err && !dial->searching)
		keep_router_why(dial, err, NULL);
}

void dial_search_first(struct dial *dial, vd_ns now)
{
	if (dial->searching)
		return;
	dial->routers_asked = 0;
	if (is_one_left(dial))
		ask(dial, now);
	dial_expect(dial);
}

static bool wants_more(const struct dial *dial)
{
	return dial_plan_state(&dial->plan) == DIAL_PLAN_RUNNING &&
	       dial_plan_is_idle(&dial->plan) && !dial->asking && !dial->searching;
}

void dial_search_next(struct dial *dial, vd_ns now)
{
	while (is_one_left(dial) && wants_more(dial))
		ask(dial, now);
	dial_expect(dial);
}

void dial_search_stop(struct dial *dial)
{
	if (dial->searching)
		peer_router_cancel(router_of(dial), &dial->search);
	dial->searching = false;
}
