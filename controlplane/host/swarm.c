/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* swarm: life, listening, and what all hosts are told. */
#include "controlplane/host/swarm.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "controlplane/host/swarm_state.h"

/* ---- which place gets the next connection ---- */

/* What it has, and what is on its way to it. */
static uint64_t load_of(struct swarm_place *place)
{
	uint64_t taken = atomic_load_explicit(&place->page.taken, memory_order_relaxed);

	return place->handed - taken +
	       atomic_load_explicit(&place->page.connections, memory_order_relaxed);
}

struct swarm_place *swarm_least_place(struct swarm *swarm)
{
	struct swarm_place *least = NULL;

	swarm->next_place++; /* of equal ones each in turn */
	for (unsigned i = 0; i < swarm->place_count; i++) {
		unsigned at = (swarm->next_place + i) % swarm->place_count;
		struct swarm_place *place = &swarm->places[at];

		if (!least || load_of(place) < load_of(least))
			least = place;
	}
	return least;
}

/* A listener's, so on the control thread. */
ON_CONTROL static bool on_accepted(void *context, unsigned transport, int fd)
{
	struct swarm *swarm = ((struct swarm_place *)context)->swarm;

	if (swarm->stopping)
		close(fd);
	else
		(void)swarm_place_adopt(swarm_least_place(swarm), transport, fd); /* counted */
	return true;
}

/* ---- life ---- */

static enum vd_err open_front(struct swarm *swarm, const struct host_config *config)
{
	struct host_config own = *config;

	if (!swarm->places[0].thread) {
		swarm->front = swarm->places[0].host;
		return VD_OK;
	}
	own.events.context = swarm->places;
	return host_new(&own, &swarm->front);
}

ON_CONTROL static enum vd_err open_all(struct swarm *swarm, const struct swarm_config *config)
{
	struct host_config host = config->host;
	enum vd_err err = VD_OK;

	host.events = (struct host_events){ .accepted = on_accepted };
	if (mailbox_init(&swarm->own, swarm->loop, SWARM_LETTERS_MAX))
		return VD_ESYS;
	swarm->has_own = true;
	for (unsigned i = 0; !err && i < swarm->place_count; i++) {
		swarm->places[i].swarm = swarm;
		swarm->places[i].thread = config->threads ? i + 1 : 0;
		err = swarm_place_init(&swarm->places[i], &host);
	}
	if (!err)
		err = open_front(swarm, &host);
	for (unsigned i = 0; !err && i < swarm->place_count; i++)
		err = swarm_place_start(&swarm->places[i]);
	return err;
}

enum vd_err swarm_new(const struct swarm_config *config, struct swarm **swarm_out)
{
	unsigned count = config->threads ? config->threads : 1;
	struct swarm *swarm;
	enum vd_err err;

	if (count > SWARM_THREADS_MAX)
		return VD_ELIMIT;
	swarm = calloc(1, sizeof *swarm);
	if (!swarm)
		return VD_ENOMEM;
	swarm->loop = config->host.loop;
	swarm->identity = config->host.identity;
	swarm->retire_after =
	    config->host.retire_after ? config->host.retire_after : VD_SECONDS(HOST_RETIRE_S);
	randombytes_buf(swarm->secret, sizeof swarm->secret);
	swarm->places = aligned_alloc(_Alignof(struct swarm_place), count * sizeof *swarm->places);
	if (!swarm->places) {
		free(swarm);
		return VD_ENOMEM;
	}
	memset(swarm->places, 0, count * sizeof *swarm->places);
	swarm->place_count = count;
	err = open_all(swarm, config);
	if (err)
		swarm_free(swarm);
	else
		*swarm_out = swarm;
	return err;
}

/* What the places left, and what that makes: until all is told, and all rows are buried. */
ON_CONTROL static void read_what_is_left(struct swarm *swarm)
{
	bool more = true;

	while (more) {
		more = !mailbox_is_empty(&swarm->own);
		mailbox_read(&swarm->own);
		for (unsigned i = 0; i < swarm->place_count; i++) {
			struct swarm_place *place = &swarm->places[i];

			if (!place->has_up)
				continue;
			more = more || !mailbox_is_empty(&place->up);
			mailbox_read(&place->up);
			more = more || !mailbox_is_empty(&place->down);
			mailbox_read(&place->down);
		}
	}
}

static void close_boxes(struct swarm *swarm)
{
	for (unsigned i = 0; i < swarm->place_count; i++)
		if (swarm->places[i].has_up)
			mailbox_close(&swarm->places[i].up);
	mailbox_close(&swarm->own); /* the last one that libuv lets go */
	while (!swarm->own.gone)
		uv_run(swarm->loop, UV_RUN_ONCE);
}

void swarm_free(struct swarm *swarm)
{
	if (!swarm)
		return;
	swarm->stopping = true;
	if (swarm->front && swarm->places[0].thread)
		host_free(swarm->front);
	else if (swarm->front)
		host_listen_close(swarm->front);
	for (unsigned i = 0; i < swarm->place_count; i++)
		swarm_place_ask_stop(&swarm->places[i]);
	for (unsigned i = 0; i < swarm->place_count; i++)
		swarm_place_stop(&swarm->places[i]);
	if (swarm->has_own) {
		read_what_is_left(swarm);
		close_boxes(swarm);
		mailbox_fini(&swarm->own);
	}
	for (unsigned i = 0; i < swarm->place_count; i++)
		swarm_place_fini(&swarm->places[i]);
	free(swarm->places);
	free(swarm);
}

enum vd_err swarm_watch(struct swarm *swarm, const struct swarm_events *events)
{
	if (swarm->watch_count == SWARM_WATCHES_MAX)
		return VD_ELIMIT;
	swarm->watches[swarm->watch_count++] = *events;
	return VD_OK;
}

/* ---- what all hosts are told ---- */

struct call {
	struct letter letter;
	struct swarm_place *place;
	swarm_host_fn fn;
	uint8_t argument[] __attribute__((aligned(16)));
};

static void read_call(struct letter *letter)
{
	struct call *call = LETTER_IN(letter, struct call, letter);

	call->fn(call->place->host, call->argument);
	free(call);
}

/* As many letters as places; false: none. */
static bool make_calls(struct swarm *swarm, struct call **calls, swarm_host_fn fn,
		       const void *argument, size_t len)
{
	for (unsigned i = 0; i < swarm->place_count; i++) {
		struct call *call = malloc(sizeof *call + len);

		if (!call) {
			while (i)
				free(calls[--i]);
			return false;
		}
		*call = (struct call){ { .read = read_call }, &swarm->places[i], fn };
		if (len)
			memcpy(call->argument, argument, len);
		calls[i] = call;
	}
	return true;
}

enum vd_err swarm_each_host(struct swarm *swarm, swarm_host_fn fn, const void *argument, size_t len)
{
	struct call *calls[SWARM_THREADS_MAX];

	if (swarm->stopping)
		return VD_ELINK_CLOSED;
	for (unsigned i = 0; i < swarm->place_count; i++)
		if (!mailbox_has_room(&swarm->places[i].down, 1))
			return VD_ELIMIT;
	if (!make_calls(swarm, calls, fn, argument, len))
		return VD_ENOMEM;
	for (unsigned i = 0; i < swarm->place_count; i++)
		mailbox_post_always(&swarm->places[i].down, &calls[i]->letter);
	return VD_OK;
}

/* ---- listening ---- */

struct listens {
	size_t count;
	struct vd_multiaddr at[HOST_LISTEN_MAX];
};

static void set_listens(struct host *host, const void *argument)
{
	const struct listens *listens = argument;

	host_listens_by_another(host, listens->at, listens->count);
}

/* Stream threads tell peers what the front listens on. */
enum vd_err swarm_listen(struct swarm *swarm, const struct vd_multiaddr *address,
			 char why[HOST_WHY])
{
	enum vd_err err = host_listen(swarm->front, address, why);
	struct listens listens;

	if (err || !swarm->places[0].thread)
		return err;
	listens.count = host_listens(swarm->front, listens.at);
	return swarm_each_host(swarm, set_listens, &listens, sizeof listens);
}

enum vd_err swarm_listens_give(struct swarm *swarm, unsigned user)
{
	return host_listens_give(swarm->front, user);
}

bool swarm_takes(const struct swarm *swarm, const struct vd_multiaddr *address)
{
	struct vd_multiaddr bare;
	struct vd_peer_id peer;

	return !swarm->stopping && !transport_split(address, &bare, &peer) &&
	       host_transport_of(swarm->front, &bare);
}

size_t swarm_listens(const struct swarm *swarm, struct vd_multiaddr out[HOST_LISTEN_MAX])
{
	return host_listens(swarm->front, out);
}

/* ---- protocols ---- */

static void add_protocol(struct host *host, const void *argument)
{
	(void)host_handle(host, argument); /* its table is as the swarm's */
}

static void del_protocol(struct host *host, const void *argument)
{
	host_unhandle(host, *(const char *const *)argument);
}

static unsigned index_of(const struct swarm *swarm, const char *id)
{
	unsigned i = 0;

	while (i < swarm->protocol_count && strcmp(swarm->protocols[i], id) != 0)
		i++;
	return i;
}

enum vd_err swarm_handle(struct swarm *swarm, const struct host_protocol *protocol)
{
	enum vd_err err;

	if (index_of(swarm, protocol->id) < swarm->protocol_count)
		return VD_EBUG_STATE;
	if (swarm->protocol_count == SWARM_PROTOCOLS_MAX)
		return VD_ELIMIT;
	err = swarm_each_host(swarm, add_protocol, protocol, sizeof *protocol);
	if (!err)
		swarm->protocols[swarm->protocol_count++] = protocol->id;
	return err;
}

enum vd_err swarm_unhandle(struct swarm *swarm, const char *id)
{
	unsigned at = index_of(swarm, id);
	enum vd_err err;

	if (at == swarm->protocol_count)
		return VD_ENOTFOUND;
	err = swarm_each_host(swarm, del_protocol, &swarm->protocols[at],
			      sizeof swarm->protocols[at]);
	if (!err)
		swarm->protocols[at] = swarm->protocols[--swarm->protocol_count];
	return err;
}

/* ---- counters ---- */

static void add_page(struct swarm_counters *to, const struct swarm_place *place)
{
	struct host_counters counters;
	uint64_t from[SWARM_COUNTERS];
	uint64_t protocols = atomic_load_explicit(&place->page.protocols, memory_order_relaxed);

	for (size_t i = 0; i < SWARM_COUNTERS; i++)
		from[i] = atomic_load_explicit(&place->page.counters[i], memory_order_relaxed);
	memcpy(&counters, from, sizeof counters);
	host_counters_add(&to->hosts, &counters);
	to->protocols = protocols > to->protocols ? protocols : to->protocols;
	to->letters_refused += place->down.refused;
	to->events_refused +=
	    atomic_load_explicit(&place->page.events_refused, memory_order_relaxed);
}

struct swarm_counters swarm_counters(const struct swarm *swarm)
{
	struct swarm_counters counters = { .retired = swarm->retired };

	for (unsigned i = 0; i < swarm->place_count; i++)
		add_page(&counters, &swarm->places[i]);
	if (swarm->places[0].thread)
		host_counters_add(&counters.hosts, host_counters(swarm->front));
	return counters;
}
