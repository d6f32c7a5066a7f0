/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* dialer: which peers are dialled, and which callers wait. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/host/dialer_state.h"

/* ---- the clock ---- */

static void set_timer(struct dialer *dialer);

static void on_timer(uv_timer_t *timer)
{
	struct dialer *dialer = timer->data;
	vd_ns now = vd_now();

	vd_role_control();
	while (timers_next(&dialer->due) <= now) {
		uint32_t slot = timers_owner(&dialer->due);

		timers_set(&dialer->due, slot, VD_NEVER);
		dial_pump(dialer->dials[slot], now);
	}
	set_timer(dialer);
}

static void set_timer(struct dialer *dialer)
{
	vd_ns at = timers_next(&dialer->due), now = vd_now();

	if (at == VD_NEVER)
		uv_timer_stop(&dialer->timer);
	else
		uv_timer_start(&dialer->timer, on_timer,
			       at > now ? (at - now) / VD_NS_PER_MS + 1 : 0, 0);
}

void dialer_due(struct dial *dial, vd_ns at)
{
	timers_set(&dial->dialer->due, dial->slot, at);
	set_timer(dial->dialer);
}

/* ---- dials ---- */

static uint64_t hash_of(const struct dialer *dialer, const struct vd_peer_id *peer)
{
	uint64_t hash;

	static_assert(crypto_shorthash_BYTES == sizeof hash);
	crypto_shorthash((uint8_t *)&hash, peer->bytes, peer->len, dialer->secret);
	return hash;
}

static struct dial *find(const struct dialer *dialer, const struct vd_peer_id *peer)
{
	uint32_t slot = slot_chain_first(&dialer->by_peer, hash_of(dialer, peer));

	for (; slot != SLOT_NONE; slot = slot_chain_next(&dialer->by_peer, slot))
		if (vd_peer_id_equal(&dialer->dials[slot]->plan.peer, peer))
			return dialer->dials[slot];
	return NULL;
}

static enum vd_err add(struct dialer *dialer, const struct vd_peer_id *peer, vd_ns now,
		       struct dial **dial_out)
{
	struct dial *dial;
	uint32_t slot = slot_take(&dialer->pool);

	if (slot == SLOT_NONE) {
		dialer->counters.refused++;
		return VD_ELIMIT;
	}
	dial = calloc(1, sizeof *dial);
	if (!dial) {
		slot_give(&dialer->pool, slot);
		return VD_ENOMEM;
	}
	dial->dialer = dialer;
	dial->slot = slot;
	dial->hash = hash_of(dialer, peer);
	dial_plan_init(&dial->plan, peer, now);
	dialer->dials[slot] = dial;
	slot_chain_add(&dialer->by_peer, dial->hash, slot);
	*dial_out = dial;
	return VD_OK;
}

/* Ends it, and takes it out, so that callbacks find it no more. */
ON_CONTROL static void take_out(struct dial *dial)
{
	struct dialer *dialer = dial->dialer;

	dial_stop(dial);
	slot_chain_del(&dialer->by_peer, dial->hash, dial->slot);
	timers_set(&dialer->due, dial->slot, VD_NEVER);
	slot_give(&dialer->pool, dial->slot);
	dialer->dials[dial->slot] = NULL;
}

static void free_dial(struct dial *dial)
{
	while (dial->waiting) {
		struct dial_waiter *waiter = dial->waiting;

		dial->waiting = waiter->next;
		free(waiter);
	}
	free(dial);
}

static void count_end(struct dialer *dialer, const struct dial *dial, bool won)
{
	unsigned tried = dial->plan.tried;

	dialer->counters
	    .ended[won][tried < DIALER_TRIES_COUNTED ? tried : DIALER_TRIES_COUNTED - 1]++;
}

void dialer_finish(struct dial *dial, const struct swarm_conn *conn, enum vd_err err,
		   const char *why)
{
	struct dialer *dialer = dial->dialer;

	take_out(dial);
	count_end(dialer, dial, conn != NULL);
	if (conn)
		dial_backoff_clear(&dialer->backoff, &dial->plan.peer);
	dial->finishing_too = dialer->finishing;
	dialer->finishing = dial;
	for (struct dial_waiter *waiter = dial->waiting; waiter; waiter = waiter->next)
		if (waiter->fn)
			waiter->fn(waiter->context, conn, err, why);
	dialer->finishing = dial->finishing_too;
	free_dial(dial);
}

/* ---- callers ---- */

static struct dial_waiter *new_waiter(struct dialer *dialer, const struct dialer_wish *wish,
				      bool keeps)
{
	size_t count = keeps ? wish->count : 0;
	struct dial_waiter *waiter = malloc(sizeof *waiter + count * sizeof waiter->addresses[0]);

	if (!waiter)
		return NULL;
	*waiter = (struct dial_waiter){ .id = ++dialer->ids, .keeps = keeps, .count = count };
	for (size_t i = 0; i < count; i++)
		waiter->addresses[i] = wish->addresses[i];
	return waiter;
}

ON_CONTROL static void learn_all(struct dial *dial, const struct vd_multiaddr *addresses,
				 size_t count, vd_ns now)
{
	for (size_t i = 0; i < count; i++)
		dial_learn(dial, &addresses[i], now);
	dial_search_first(dial, now);
}

void dialer_learn_kept(struct dial *dial, vd_ns now)
{
	for (struct dial_waiter *waiter = dial->waiting; waiter; waiter = waiter->next) {
		if (waiter->keeps)
			learn_all(dial, waiter->addresses, waiter->count, now);
		waiter->keeps = false;
	}
}

enum vd_err dialer_connect(struct dialer *dialer, const struct dialer_wish *wish, dialer_fn fn,
			   void *context, uint64_t *id_out)
{
	struct dial *dial = find(dialer, &wish->peer);
	struct dial_waiter *waiter, **end;
	vd_ns now = vd_now();
	enum vd_err err;
	bool connected;

	if (vd_peer_id_equal(&wish->peer, &dialer->config.self))
		return VD_EUSER;
	if (dialer->closing)
		return VD_ELINK_CLOSED;
	connected = swarm_find(dialer->config.swarm, &wish->peer) != NULL;
	waiter = new_waiter(dialer, wish, connected);
	if (!waiter)
		return VD_ENOMEM;
	err = dial ? VD_OK : add(dialer, &wish->peer, now, &dial);
	if (err) {
		free(waiter);
		return err;
	}
	waiter->fn = fn;
	waiter->context = context;
	for (end = &dial->waiting; *end; end = &(*end)->next)
		;
	*end = waiter;
	if (wish->anew)
		dial_backoff_clear(&dialer->backoff, &wish->peer);
	if (!connected)
		learn_all(dial, wish->addresses, wish->count, now);
	dialer_due(dial, now); /* a turn later */
	if (id_out)
		*id_out = waiter->id;
	return VD_OK;
}

/* It stays in its list, without a callback: a dial that ends walks it. */
static bool silence(struct dial *dial, uint64_t id, bool *others_out)
{
	bool found = false;

	*others_out = false;
	for (struct dial_waiter *waiter = dial->waiting; waiter; waiter = waiter->next) {
		if (waiter->id == id) {
			waiter->fn = NULL;
			found = true;
		}
		*others_out |= waiter->fn != NULL;
	}
	return found;
}

void dialer_cancel(struct dialer *dialer, uint64_t id)
{
	bool others;

	for (struct dial *dial = dialer->finishing; dial; dial = dial->finishing_too)
		if (silence(dial, id, &others))
			return;
	for (uint32_t slot = 0; slot < dialer->pool.high; slot++) {
		struct dial *dial = dialer->dials[slot];

		if (!dial || !silence(dial, id, &others))
			continue;
		if (!others) {
			take_out(dial);
			free_dial(dial);
		}
		return;
	}
}

/* ---- life ---- */

static enum vd_err init_tables(struct dialer *dialer)
{
	enum vd_err err = slot_pool_init(&dialer->pool, DIALER_PEERS_MAX);

	if (!err)
		err = slot_chains_init(&dialer->by_peer, DIALER_PEERS_MAX);
	if (!err)
		err = timers_init(&dialer->due, DIALER_PEERS_MAX);
	if (!err)
		err = dial_backoff_init(&dialer->backoff);
	return err;
}

static void free_tables(struct dialer *dialer)
{
	slot_pool_fini(&dialer->pool);
	slot_chains_fini(&dialer->by_peer);
	timers_fini(&dialer->due);
	dial_backoff_fini(&dialer->backoff);
	free(dialer);
}

enum vd_err dialer_new(const struct dialer_config *config, char why[CP_DNS_WHY],
		       struct dialer **dialer_out)
{
	struct cp_dns_config dns = { config->loop, config->dns, config->dns_timeout_ms };
	struct dialer *dialer = calloc(1, sizeof *dialer);
	enum vd_err err;

	snprintf(why, CP_DNS_WHY, "out of memory");
	if (!dialer)
		return VD_ENOMEM;
	err = init_tables(dialer);
	if (!err)
		err = cp_resolver_new(&dns, why, &dialer->resolver);
	if (err) {
		free_tables(dialer);
		return err;
	}
	dialer->config = *config;
	dialer->config.dns = NULL; /* not kept */
	randombytes_buf(dialer->secret, sizeof dialer->secret);
	uv_timer_init(config->loop, &dialer->timer);
	dialer->timer.data = dialer;
	*dialer_out = dialer;
	return VD_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free_tables(handle->data);
}

void dialer_free(struct dialer *dialer)
{
	if (!dialer)
		return;
	dialer->closing = true;
	for (uint32_t slot = 0; slot < dialer->pool.high; slot++)
		if (dialer->dials[slot])
			dialer_finish(dialer->dials[slot], NULL, VD_ELINK_CLOSED, "going down");
	cp_resolver_free(dialer->resolver);
	uv_close((uv_handle_t *)&dialer->timer, on_closed);
}

uint32_t dialer_count(const struct dialer *dialer)
{
	return dialer->pool.count;
}

const struct dialer_counters *dialer_counters(const struct dialer *dialer)
{
	return &dialer->counters;
}

const struct cp_resolver_counters *dialer_dns_counters(const struct dialer *dialer)
{
	return cp_resolver_counters(dialer->resolver);
}
