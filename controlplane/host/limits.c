/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* limits: counters that all threads share; relaxed, since nothing else is published by them. */
#include "controlplane/host/limits_count.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/host/limits_peers.h"
#include "controlplane/host/limits_prefix.h"

enum {
	PROTOCOLS_MAX = 256, /* of all hosts */
	SHARES_MIN = 16,     /* however few connections there are */
};

struct host_limits_protocol {
	const char *id; /* static storage */
	_Atomic uint32_t streams;
};

struct host_limits {
	struct host_limits_config config;
	/* writers: the hosts' threads; readers: all */
	_Atomic uint64_t blocked[HOST_LIMIT_COUNT];
	_Atomic uint32_t connections[2], negotiating[2], streams;
	_Atomic uint64_t buffered;

	pthread_mutex_t lock; /* of what follows */
	struct limits_prefixes prefixes;
	struct limits_peers peers;
	struct host_limits_protocol protocols[PROTOCOLS_MAX];
	size_t protocol_count;
};

static const struct host_limits_config defaults = {
	.connections = 16384,
	.negotiating = 2048,
	.prefix = 8,
	.peer_streams = 1024,
	.protocol_streams = 16384,
	.buffered_bytes = UINT64_C(512) << 20,
};

#define ADD(counter, n) atomic_fetch_add_explicit(&(counter), (n), memory_order_relaxed)
#define SUB(counter, n) atomic_fetch_sub_explicit(&(counter), (n), memory_order_relaxed)
#define GET(counter)    atomic_load_explicit(&(counter), memory_order_relaxed)

/* ---- life ---- */

static struct host_limits_config filled(const struct host_limits_config *config)
{
	struct host_limits_config out = config ? *config : defaults;

#define FILL(field) out.field = out.field ? out.field : defaults.field
	FILL(connections);
	FILL(negotiating);
	FILL(prefix);
	FILL(peer_streams);
	FILL(protocol_streams);
	FILL(buffered_bytes);
#undef FILL
	return out;
}

enum vd_err host_limits_new(const struct host_limits_config *config,
			    struct host_limits **limits_out)
{
	struct host_limits *limits = calloc(1, sizeof *limits);

	if (!limits)
		return VD_ENOMEM;
	limits->config = filled(config);
	if (limits_prefixes_init(&limits->prefixes, limits->config.connections) ||
	    limits_peers_init(&limits->peers, limits->config.connections)) {
		limits_prefixes_fini(&limits->prefixes);
		free(limits);
		return VD_ENOMEM;
	}
	pthread_mutex_init(&limits->lock, NULL);
	*limits_out = limits;
	return VD_OK;
}

void host_limits_free(struct host_limits *limits)
{
	if (!limits)
		return;
	limits_prefixes_fini(&limits->prefixes);
	limits_peers_fini(&limits->peers);
	pthread_mutex_destroy(&limits->lock);
	free(limits);
}

const struct host_limits_config *host_limits_config(const struct host_limits *limits)
{
	return &limits->config;
}

/* ---- counting ---- */

static enum vd_err block(struct host_limits *limits, enum host_limit which)
{
	ADD(limits->blocked[which], 1);
	return VD_ELIMIT;
}

uint64_t host_limits_blocked(const struct host_limits *limits, enum host_limit which)
{
	return GET(limits->blocked[which]);
}

const char *host_limit_name(enum host_limit which)
{
	static const char *const names[] = {
#define X(symbol, name) name,
		HOST_LIMITS(X)
#undef X
	};

	return names[which];
}

struct host_limits_used host_limits_used(const struct host_limits *limits)
{
	return (struct host_limits_used){
		.connections = { GET(limits->connections[0]), GET(limits->connections[1]) },
		.negotiating = { GET(limits->negotiating[0]), GET(limits->negotiating[1]) },
		.streams = GET(limits->streams),
		.buffered_bytes = GET(limits->buffered),
	};
}

/* ---- connections ---- */

static uint32_t sum(const _Atomic uint32_t pair[2])
{
	return GET(pair[0]) + GET(pair[1]);
}

/* Whom we dial is ours to choose: no crowd that comes to us takes the last quarter. */
static bool is_full(const _Atomic uint32_t pair[2], uint32_t max, bool dialer)
{
	return sum(pair) >= max || (!dialer && GET(pair[0]) >= max - max / HOST_LIMITS_OWN_SHARE);
}

/* Two threads may both find the last place, and take one more than there is: no harm. */
enum vd_err host_limits_enter(struct host_limits *limits, bool dialer)
{
	if (is_full(limits->connections, limits->config.connections, dialer))
		return block(limits, HOST_LIMIT_CONNECTIONS);
	if (is_full(limits->negotiating, limits->config.negotiating, dialer))
		return block(limits, HOST_LIMIT_NEGOTIATING);
	ADD(limits->connections[dialer], 1);
	ADD(limits->negotiating[dialer], 1);
	return VD_OK;
}

void host_limits_opened(struct host_limits *limits, bool dialer)
{
	SUB(limits->negotiating[dialer], 1);
}

void host_limits_leave(struct host_limits *limits, bool dialer, bool opened)
{
	SUB(limits->connections[dialer], 1);
	if (!opened)
		SUB(limits->negotiating[dialer], 1);
}

/* ---- prefixes ---- */

enum vd_err host_limits_arrive(struct host_limits *limits, const struct sockaddr_storage *remote,
			       vd_ns now, const char **why_out)
{
	enum limits_prefix_verdict verdict;

	pthread_mutex_lock(&limits->lock);
	verdict = limits_prefix_arrive(&limits->prefixes, remote, limits->config.prefix, now);
	pthread_mutex_unlock(&limits->lock);
	if (verdict == LIMITS_PREFIX_OK)
		return VD_OK;
	if (verdict == LIMITS_PREFIX_FAST) {
		*why_out = "too many connections a second from its address";
		return block(limits, HOST_LIMIT_PREFIX_RATE);
	}
	*why_out = "too many connections from its address";
	return block(limits, HOST_LIMIT_PREFIX);
}

void host_limits_depart(struct host_limits *limits, const struct sockaddr_storage *remote)
{
	pthread_mutex_lock(&limits->lock);
	limits_prefix_depart(&limits->prefixes, remote);
	pthread_mutex_unlock(&limits->lock);
}

/* ---- streams ---- */

struct host_limits_peer *host_limits_peer(struct host_limits *limits, const struct vd_peer_id *id)
{
	struct host_limits_peer *peer;

	pthread_mutex_lock(&limits->lock);
	peer = limits_peers_enter(&limits->peers, id);
	pthread_mutex_unlock(&limits->lock);
	return peer;
}

void host_limits_peer_left(struct host_limits *limits, struct host_limits_peer *peer)
{
	pthread_mutex_lock(&limits->lock);
	limits_peers_leave(&limits->peers, peer);
	pthread_mutex_unlock(&limits->lock);
}

enum vd_err host_limits_peer_stream(struct host_limits *limits, struct host_limits_peer *peer)
{
	if (ADD(peer->streams, 1) < limits->config.peer_streams)
		return VD_OK;
	SUB(peer->streams, 1);
	return block(limits, HOST_LIMIT_PEER_STREAMS);
}

void host_limits_peer_stream_ended(struct host_limits_peer *peer)
{
	SUB(peer->streams, 1);
}

static struct host_limits_protocol *find_protocol(struct host_limits *limits, const char *id)
{
	for (size_t i = 0; i < limits->protocol_count; i++)
		if (strcmp(limits->protocols[i].id, id) == 0)
			return &limits->protocols[i];
	if (limits->protocol_count == PROTOCOLS_MAX)
		return NULL;
	limits->protocols[limits->protocol_count].id = id;
	return &limits->protocols[limits->protocol_count++];
}

struct host_limits_protocol *host_limits_protocol(struct host_limits *limits, const char *id)
{
	struct host_limits_protocol *protocol;

	pthread_mutex_lock(&limits->lock);
	protocol = find_protocol(limits, id);
	pthread_mutex_unlock(&limits->lock);
	return protocol;
}

enum vd_err host_limits_add_stream(struct host_limits *limits,
				   struct host_limits_protocol *protocol)
{
	if (ADD(protocol->streams, 1) >= limits->config.protocol_streams) {
		SUB(protocol->streams, 1);
		return block(limits, HOST_LIMIT_PROTOCOL_STREAMS);
	}
	ADD(limits->streams, 1);
	return VD_OK;
}

void host_limits_del_stream(struct host_limits *limits, struct host_limits_protocol *protocol)
{
	SUB(protocol->streams, 1);
	SUB(limits->streams, 1);
}

/* ---- bytes ---- */

enum vd_err host_limits_buffer(struct host_limits *limits, uint64_t before, uint64_t now,
			       bool flows)
{
	uint64_t max = limits->config.buffered_bytes, all, shares = sum(limits->connections);

	if (now == before)
		return VD_OK;
	all = ADD(limits->buffered, now - before) + now - before;
	if (now < before || all <= (flows ? max + max / 4 : max))
		return VD_OK;
	if (shares < SHARES_MIN)
		shares = SHARES_MIN;
	return now * shares <= max ? VD_OK : block(limits, HOST_LIMIT_BUFFERED);
}
