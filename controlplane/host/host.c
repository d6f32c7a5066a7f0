/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* host: connections by peer, and which is pumped next. */
#include "controlplane/host/host_state.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/init.h"
#include "base/version.h"
#include "controlplane/host/preferred.h"

/* ---- connections that wait to be pumped ---- */

static void on_soon(uv_idle_t *idle)
{
	struct host *host = idle->data;

	host->due_last = host->due_end; /* those that are added meanwhile wait for the next turn */
	while (host->due_last)
		host_conn_pump(host->due);
}

void host_conn_due(struct host_conn *conn)
{
	struct host *host = conn->host;

	if (conn->queued || conn->closing)
		return;
	conn->queued = true;
	conn->next_due = NULL;
	conn->prev_due = host->due_end;
	if (host->due_end)
		host->due_end->next_due = conn;
	else
		host->due = conn;
	host->due_end = conn;
	uv_idle_start(&host->soon, on_soon);
}

void host_conn_not_due(struct host_conn *conn)
{
	struct host *host = conn->host;

	if (!conn->queued)
		return;
	conn->queued = false;
	if (host->due_last == conn)
		host->due_last = conn->prev_due;
	if (conn->next_due)
		conn->next_due->prev_due = conn->prev_due;
	else
		host->due_end = conn->prev_due;
	if (conn->prev_due)
		conn->prev_due->next_due = conn->next_due;
	else
		host->due = conn->next_due;
	if (!host->due)
		uv_idle_stop(&host->soon);
}

/* ---- connections by peer ---- */

static struct host_conn **bucket_of(struct host *host, const struct vd_peer_id *peer)
{
	uint64_t hash;

	static_assert(crypto_shorthash_BYTES == sizeof hash);
	crypto_shorthash((uint8_t *)&hash, peer->bytes, peer->len, host->secret);
	return &host->open[hash % HOST_BUCKETS];
}

static bool is_to(const struct host_conn *conn, const struct vd_peer_id *peer)
{
	return vd_peer_id_equal(&conn->machine.security->peer, peer);
}

void host_conn_doubt(struct host_conn *conn)
{
	if (!conn->machine.muxer || conn->closing)
		return;
	conn->doubted = true;
	muxer_probe(conn->machine.muxer, vd_now());
	host_conn_due(conn);
}

void host_conn_heard(struct host_conn *conn)
{
	const struct host_events *events = &conn->host->events;

	conn->doubted = false;
	host_settle(conn->host, &conn->machine.security->peer);
	if (events->heard)
		events->heard(events->context, conn);
}

/* Whether they still work, since the peer dialled this one: see preferred.h. */
static void doubt_others(const struct host_conn *newcomer)
{
	const struct vd_peer_id *peer = &newcomer->machine.security->peer;

	if (newcomer->machine.dialer || newcomer->host->retire_after == VD_NEVER)
		return; /* or somebody else decides */
	for (struct host_conn *conn = *bucket_of(newcomer->host, peer); conn;
	     conn = conn->next_open)
		if (conn != newcomer && is_to(conn, peer))
			host_conn_doubt(conn);
}

void host_table_add(struct host_conn *conn)
{
	struct host_conn **bucket = bucket_of(conn->host, &conn->machine.security->peer);

	conn->next_open = *bucket;
	if (*bucket)
		(*bucket)->prev_open = conn;
	*bucket = conn;
	conn->order = ++conn->host->orders;
	conn->host->open_count++;
	doubt_others(conn);
	host_settle(conn->host, &conn->machine.security->peer);
}

void host_table_del(struct host_conn *conn)
{
	if (conn->next_open)
		conn->next_open->prev_open = conn->prev_open;
	if (conn->prev_open)
		conn->prev_open->next_open = conn->next_open;
	else
		*bucket_of(conn->host, &conn->machine.security->peer) = conn->next_open;
	conn->host->open_count--;
	host_settle(conn->host, &conn->machine.security->peer);
}

static struct preferred_conn as_preferred(const struct host_conn *conn)
{
	bool doubted = conn->doubted && !conn->machine.muxer->going_away; /* else it ends anyway */

	return (struct preferred_conn){ conn->machine.dialer, doubted, conn->order };
}

static bool is_better(const struct host_conn *a, const struct host_conn *b)
{
	const struct preferred_conn one = as_preferred(a), other = as_preferred(b);

	return preferred_to(host_peer(a->host), &a->machine.security->peer, &one, &other);
}

struct host_conn *host_connection(const struct host *host, const struct vd_peer_id *peer)
{
	struct host_conn *conn = *bucket_of((struct host *)(uintptr_t)host, peer), *best = NULL;

	for (; conn; conn = conn->next_open)
		if (!conn->machine.muxer->going_away && is_to(conn, peer) &&
		    (!best || is_better(conn, best)))
			best = conn;
	return best;
}

static bool is_surplus(const struct host_conn *conn, const struct host_conn *best)
{
	const struct preferred_conn one = as_preferred(best), other = as_preferred(conn);

	return conn != best && preferred_closes(&one, &other);
}

void host_settle(struct host *host, const struct vd_peer_id *peer)
{
	const struct host_conn *best = host_connection(host, peer);

	if (host->retire_after == VD_NEVER)
		return; /* somebody else decides */
	for (struct host_conn *conn = *bucket_of(host, peer); conn; conn = conn->next_open) {
		bool surplus = best && is_to(conn, peer) && is_surplus(conn, best);

		if (!is_to(conn, peer) || conn->surplus == surplus)
			continue;
		conn->surplus = surplus;
		host_conn_due(conn); /* for its timer */
	}
}

void host_disconnect(struct host_conn *conn)
{
	host_conn_leave(conn, "disconnected");
}

void host_conn_retire(struct host_conn *conn, vd_ns idle)
{
	conn->idle_for = idle;
	host_conn_due(conn);
}

void host_conn_use(struct host_conn *conn, void *user)
{
	conn->user = user;
}

void *host_conn_user(const struct host_conn *conn)
{
	return conn->user;
}

void host_each(const struct host *host, void (*fn)(void *context, struct host_conn *conn),
	       void *context)
{
	struct host_conn *next;

	for (struct host_conn *conn = host->conns; conn; conn = next) {
		next = conn->next;
		fn(context, conn);
	}
}

static enum vd_key_type key_type_of(struct vd_bytes public_key)
{
	enum vd_key_type type = VD_KEY_ED25519;
	struct vd_bytes data;

	(void)vd_public_key_read(public_key, &type, &data); /* security took it */
	return type;
}

void host_conn_info(const struct host_conn *conn, struct host_conn_info *info_out)
{
	const struct connection *machine = &conn->machine;

	*info_out = (struct host_conn_info){
		.peer = machine->security->peer,
		.remote = conn->remote,
		.local = conn->local,
		.security = machine->security->class->protocol,
		.muxer = machine->muxer->class->protocol,
		.dialer = machine->dialer,
		.streams = machine->muxer->streams,
		.since = conn->since,
		.rtt = machine->muxer->rtt,
		.key_type = key_type_of(machine->security->public_key),
		.early_muxer = machine->security->muxer,
		.handshake = conn->handshake,
	};
	memcpy(info_out->agent, conn->agent, sizeof info_out->agent);
}

/* ---- protocols ---- */

static bool has_protocol(void *context, struct vd_bytes id)
{
	const struct host *host = context;

	for (size_t i = 0; i < host->protocol_count; i++)
		if (vd_bytes_equal(vd_bytes_of_text(host->protocols[i].id), id))
			return true;
	return false;
}

static const char *list_protocol(void *context, size_t index)
{
	const struct host *host = context;

	return index < host->protocol_count ? host->protocols[index].id : NULL;
}

enum vd_err host_handle(struct host *host, const struct host_protocol *protocol)
{
	struct host_limits_protocol *streams;

	if (has_protocol(host, vd_bytes_of_text(protocol->id)))
		return VD_EBUG_STATE;
	if (host->protocol_count == HOST_PROTOCOLS_MAX)
		return VD_ELIMIT;
	streams = host_limits_protocol(host->limits, protocol->id);
	if (!streams)
		return VD_ELIMIT;
	host->protocol_streams[host->protocol_count] = streams;
	host->protocols[host->protocol_count++] = *protocol;
	host_self_protocols_changed(host);
	return VD_OK;
}

void host_unhandle(struct host *host, const char *id)
{
	for (size_t i = 0; i < host->protocol_count; i++)
		if (strcmp(host->protocols[i].id, id) == 0) {
			host->protocols[i] = host->protocols[--host->protocol_count];
			host->protocol_streams[i] = host->protocol_streams[host->protocol_count];
			host_self_protocols_changed(host);
			return;
		}
}

/* ---- life ---- */

enum vd_err host_new(const struct host_config *config, struct host **host_out)
{
	struct host *host = calloc(1, sizeof *host);
	enum vd_err err;

	if (!host)
		return VD_ENOMEM;
	err = vd_init();
	if (!err)
		err = host_loop_init(host, config->loop);
	if (err) {
		free(host);
		return err;
	}
	host->identity = config->identity;
	if (!host->identity) {
		vd_identity_generate(&host->own_identity);
		host->identity = &host->own_identity;
	}
	host->events = config->events;
	host->negotiate_within =
	    config->negotiate_within ? config->negotiate_within : VD_SECONDS(HOST_NEGOTIATE_S);
	host->idle_within = config->idle_within ? config->idle_within : VD_SECONDS(HOST_IDLE_S);
	host->stall_within = config->stall_within ? config->stall_within : VD_SECONDS(HOST_STALL_S);
	host->retire_after =
	    config->retire_after ? config->retire_after : VD_SECONDS(HOST_RETIRE_S);
	snprintf(host->agent, sizeof host->agent, "%s",
		 config->agent ? config->agent : "viaduct/" VD_VERSION);
	randombytes_buf(host->secret, sizeof host->secret);
	host->handlers = (struct multistream_handlers){ has_protocol, list_protocol, host };
	uv_idle_init(host->loop, &host->soon);
	host->soon.data = host;
	host->handle_count = 1;
	err = host_bounds_init(host, config);
	if (!err)
		err = host_network_init(host, config);
	if (!err)
		err = host_layers_init(host, config);
	if (!err)
		err = host_identify_init(host);
	if (!err)
		err = host_ping_init(host);
	if (err)
		host_free(host);
	else
		*host_out = host;
	return err;
}

static void on_soon_closed(uv_handle_t *handle)
{
	((struct host *)handle->data)->handle_count--;
}

void host_free(struct host *host)
{
	struct host_no_pipe no_pipe;

	if (!host)
		return;
	host->stopping = true;
	no_pipe = host_pipe_block();
	while (host->conns || host->pending)
		host_conn_leave(host->conns ? host->conns : host->pending, "going down");
	host_listen_close(host);
	host_transports_close(host);
	host_self_close(host);
	uv_close((uv_handle_t *)&host->soon, on_soon_closed);
	while (host->handle_count)
		uv_run(host->loop, UV_RUN_ONCE);
	host_layers_fini(host);
	host_network_fini(host);
	host_loop_fini(host);
	host_pipe_unblock(&no_pipe);
	vd_identity_fini(&host->own_identity);
	host_bounds_fini(host);
	host_self_free(host);
	host_link_free(host);
	free(host);
}

const struct host_counters *host_counters(const struct host *host)
{
	return &host->counters;
}

void host_counters_add(struct host_counters *sum, const struct host_counters *more)
{
	static_assert(sizeof *sum % sizeof(uint64_t) == 0, "counters, all of one type");
	for (size_t i = 0; i < sizeof *sum / sizeof(uint64_t); i++)
		((uint64_t *)sum)[i] += ((const uint64_t *)more)[i];
}

const struct host_limits *host_limits(const struct host *host)
{
	return host->limits;
}

const struct vd_peer_id *host_peer(const struct host *host)
{
	return &host->identity->id;
}

uint32_t host_connection_count(const struct host *host)
{
	return host->open_count;
}
