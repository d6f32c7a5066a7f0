/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/resolver.h"

#include <stdlib.h>
#include <uv.h>

#include "base/time.h"

struct cp_resolver_ask {
	struct cp_resolver *resolver;
	cp_resolver_fn fn;
	void *context;
	vd_ns until;
	bool canceled;
	struct name_walk walk;
	struct vd_multiaddr *found; /* [NAME_WALK_ADDRESSES], of which [0, told) were told */
	size_t count, told;
	struct cp_resolver_ask *next;
};

struct flight { /* a lookup under way */
	struct cp_resolver *resolver;
	struct cp_resolver_ask *ask; /* NULL: nobody cares any more */
	unsigned step;
	struct flight *next;
};

struct cp_resolver {
	struct cp_dns *dns;
	uv_timer_t timer;
	struct cp_resolver_ask *asks; /* the oldest first */
	struct flight *flights;
	unsigned asked, under_way;
	bool closing;
	struct cp_resolver_counters counters;
};

/* ---- answers of DNS ---- */

static void keep(struct cp_resolver_ask *ask, const struct vd_multiaddr *address)
{
	ask->found[ask->count++] = *address;
}

static void on_ip(void *context, struct vd_bytes ip)
{
	struct flight *flight = context;
	struct vd_multiaddr address;

	if (flight->ask && name_walk_ip(&flight->ask->walk, flight->step, ip, &address))
		keep(flight->ask, &address);
}

static void on_txt(void *context, struct vd_bytes record)
{
	struct flight *flight = context;
	struct vd_multiaddr address;

	if (flight->ask && name_walk_txt(&flight->ask->walk, flight->step, record, &address))
		keep(flight->ask, &address);
}

static void unlink_flight(struct flight *flight)
{
	struct flight **at = &flight->resolver->flights;

	while (*at != flight)
		at = &(*at)->next;
	*at = flight->next;
}

static void set_timer(struct cp_resolver *resolver, bool soon);

static void on_done(void *context, enum vd_err err, const char *why)
{
	struct flight *flight = context;
	struct cp_resolver *resolver = flight->resolver;

	unlink_flight(flight);
	resolver->under_way--;
	resolver->counters.failed += err != VD_OK;
	if (flight->ask)
		name_walk_done(&flight->ask->walk, flight->step, err, why);
	free(flight);
	set_timer(resolver, true);
}

/* ---- lookups ---- */

static const struct cp_dns_answer answer = { on_ip, on_txt, on_done };

static void look_up(struct cp_resolver *resolver, struct cp_resolver_ask *ask, unsigned step,
		    const struct name_lookup *lookup)
{
	struct flight *flight = calloc(1, sizeof *flight);

	if (!flight) {
		name_walk_done(&ask->walk, step, VD_ENOMEM, NULL);
		return;
	}
	*flight = (struct flight){ resolver, ask, step, resolver->flights };
	resolver->flights = flight;
	resolver->under_way++;
	resolver->counters.lookups++;
	if (cp_dns_look_up(resolver->dns, lookup, &answer, flight))
		on_done(flight, VD_ENOMEM, NULL);
}

static void begin_lookups(struct cp_resolver *resolver)
{
	for (struct cp_resolver_ask *ask = resolver->asks; ask; ask = ask->next) {
		struct name_lookup lookup;
		unsigned step;

		while (resolver->under_way < CP_RESOLVER_LOOKUPS_MAX &&
		       name_walk_next(&ask->walk, &step, &lookup))
			look_up(resolver, ask, step, &lookup);
	}
}

/* ---- callers ---- */

static void forget(struct cp_resolver *resolver, struct cp_resolver_ask **at)
{
	struct cp_resolver_ask *ask = *at;

	for (struct flight *flight = resolver->flights; flight; flight = flight->next)
		if (flight->ask == ask)
			flight->ask = NULL;
	*at = ask->next;
	resolver->asked--;
	free(ask->found);
	free(ask);
}

/* Tells what is new; true: that was the last. */
static bool tell(struct cp_resolver_ask *ask, vd_ns now)
{
	bool late = now >= ask->until, done = late || name_walk_ended(&ask->walk);
	struct cp_resolver_answer told = { .addresses = ask->found + ask->told,
					   .count = ask->count - ask->told,
					   .done = done };
	char why[NAME_WALK_WHY];

	if (!told.count && !done)
		return false;
	ask->told = ask->count;
	if (done && !ask->count) {
		bool timed_out = late && !name_walk_ended(&ask->walk);

		told.err = timed_out ? VD_ELINK_TIMEOUT : name_walk_err(&ask->walk);
		told.why = timed_out ? "no DNS server answers in time; name one that does in "
				       "host.dns"
				     : name_walk_why(&ask->walk, why);
		ask->resolver->counters.timed_out += timed_out;
	}
	ask->fn(ask->context, &told);
	return done;
}

/* A callback may cancel any, and ask for more: those that it cancels are freed afterwards. */
static void tell_all(struct cp_resolver *resolver)
{
	struct cp_resolver_ask **at = &resolver->asks;
	vd_ns now = vd_now();

	for (struct cp_resolver_ask *ask = resolver->asks; ask; ask = ask->next)
		if (!ask->canceled && tell(ask, now))
			ask->canceled = true;
	while (*at)
		if ((*at)->canceled)
			forget(resolver, at);
		else
			at = &(*at)->next;
}

static void on_timer(uv_timer_t *timer)
{
	struct cp_resolver *resolver = timer->data;

	tell_all(resolver);
	begin_lookups(resolver);
	set_timer(resolver, false);
}

static void set_timer(struct cp_resolver *resolver, bool soon)
{
	vd_ns at = VD_NEVER, now = vd_now();

	if (resolver->closing)
		return;
	for (const struct cp_resolver_ask *ask = resolver->asks; ask; ask = ask->next) {
		soon |= ask->canceled || name_walk_ended(&ask->walk) || ask->told < ask->count;
		at = vd_ns_min(at, ask->until);
	}
	if (soon || at <= now)
		uv_timer_start(&resolver->timer, on_timer, 0, 0);
	else if (at == VD_NEVER)
		uv_timer_stop(&resolver->timer);
	else
		uv_timer_start(&resolver->timer, on_timer, (at - now) / VD_NS_PER_MS + 1, 0);
}

enum vd_err cp_resolver_ask(struct cp_resolver *resolver, const struct vd_multiaddr *address,
			    cp_resolver_fn fn, void *context, struct cp_resolver_ask **ask_out)
{
	struct cp_resolver_ask *ask, **end = &resolver->asks;
	enum vd_err err;

	if (resolver->asked == CP_RESOLVER_ASKED_MAX) {
		resolver->counters.refused++;
		return VD_ELIMIT;
	}
	ask = calloc(1, sizeof *ask);
	if (!ask)
		return VD_ENOMEM;
	ask->found = calloc(NAME_WALK_ADDRESSES, sizeof *ask->found);
	err = ask->found ? name_walk_init(&ask->walk, address) : VD_ENOMEM;
	if (err) {
		free(ask->found);
		free(ask);
		return err;
	}
	ask->resolver = resolver;
	ask->fn = fn;
	ask->context = context;
	ask->until = vd_ns_add(vd_now(), VD_SECONDS(CP_RESOLVER_S));
	while (*end)
		end = &(*end)->next;
	*end = ask;
	resolver->asked++;
	set_timer(resolver, true);
	*ask_out = ask;
	return VD_OK;
}

void cp_resolver_cancel(struct cp_resolver_ask *ask)
{
	ask->canceled = true;
	set_timer(ask->resolver, true);
}

/* ---- life ---- */

enum vd_err cp_resolver_new(const struct cp_dns_config *config, char *why,
			    struct cp_resolver **resolver_out)
{
	struct cp_resolver *resolver = calloc(1, sizeof *resolver);
	enum vd_err err;

	if (!resolver)
		return VD_ENOMEM;
	err = cp_dns_new(config, why, &resolver->dns);
	if (err) {
		free(resolver);
		return err;
	}
	uv_timer_init(config->loop, &resolver->timer);
	resolver->timer.data = resolver;
	*resolver_out = resolver;
	return VD_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct cp_resolver *resolver = handle->data;

	while (resolver->asks)
		forget(resolver, &resolver->asks);
	free(resolver);
}

/* What was asked goes with it, later: `tell_all` may be walking it just now. */
void cp_resolver_free(struct cp_resolver *resolver)
{
	if (!resolver)
		return;
	resolver->closing = true;
	for (struct cp_resolver_ask *ask = resolver->asks; ask; ask = ask->next)
		ask->canceled = true;
	cp_dns_free(resolver->dns); /* ends the lookups */
	uv_close((uv_handle_t *)&resolver->timer, on_closed);
}

const struct cp_resolver_counters *cp_resolver_counters(const struct cp_resolver *resolver)
{
	return &resolver->counters;
}
