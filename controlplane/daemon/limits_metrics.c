/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/limits_metrics.h"

#include "controlplane/daemon/node.h"
#include "controlplane/host/limits.h"

/* A limit as go-libp2p tells of it: whose, and of what. */
static const struct {
	enum host_limit which;
	const char *dir, *scope, *resource;
} rows[] = {
	{ HOST_LIMIT_CONNECTIONS, "", "system", "connection" },
	{ HOST_LIMIT_NEGOTIATING, "", "transient", "connection" },
	{ HOST_LIMIT_PREFIX, "inbound", "ip", "connection" },
	{ HOST_LIMIT_PREFIX_RATE, "inbound", "ip_rate", "connection" },
	{ HOST_LIMIT_PEER_STREAMS, "inbound", "peer", "stream" },
	{ HOST_LIMIT_PROTOCOL_STREAMS, "inbound", "protocol", "stream" },
	{ HOST_LIMIT_BUFFERED, "", "system", "memory" },
};
static_assert(sizeof rows / sizeof *rows == HOST_LIMIT_COUNT, "a row each");

static uint64_t limit_of(const struct host_limits_config *config, enum host_limit which)
{
	switch (which) {
	case HOST_LIMIT_CONNECTIONS: return config->connections;
	case HOST_LIMIT_NEGOTIATING: return config->negotiating;
	case HOST_LIMIT_PREFIX: return config->prefix;
	case HOST_LIMIT_PEER_STREAMS: return config->peer_streams;
	case HOST_LIMIT_PROTOCOL_STREAMS: return config->protocol_streams;
	case HOST_LIMIT_BUFFERED: return config->buffered_bytes;
	case HOST_LIMIT_PREFIX_RATE:
	case HOST_LIMIT_COUNT: break;
	}
	return 0;
}

static void tell_used(const struct host_limits_used *used, struct metrics *m)
{
	static const char *const dirs[] = { "inbound", "outbound" };

	metrics_gauge(m, "libp2p_rcmgr_connections", "libp2p connections, by scope");
	for (size_t i = 0; i < 2; i++) {
		metrics_u64(m, used->connections[i], "dir", dirs[i], "scope", "system");
		metrics_u64(m, used->negotiating[i], "dir", dirs[i], "scope", "transient");
	}
	metrics_gauge(m, "libp2p_rcmgr_streams", "libp2p streams that peers opened");
	metrics_u64(m, used->streams, "dir", "inbound", "scope", "system", "protocol", "");
	metrics_gauge(m, "libp2p_rcmgr_memory", "bytes unread and unsent in libp2p connections");
	metrics_u64(m, used->buffered_bytes, "scope", "system", "protocol", "");
}

void node_limits_metrics(const struct host_limits *limits, struct metrics *m)
{
	const struct host_limits_used used = host_limits_used(limits);

	tell_used(&used, m);
	metrics_gauge(m, "libp2p_rcmgr_blocked_resources", "what a limit turned away");
	for (size_t i = 0; i < HOST_LIMIT_COUNT; i++)
		metrics_u64(m, host_limits_blocked(limits, rows[i].which), "dir", rows[i].dir,
			    "scope", rows[i].scope, "resource", rows[i].resource);
	metrics_gauge(m, "libp2p_rcmgr_limit", "limits of the configuration");
	for (size_t i = 0; i < HOST_LIMIT_COUNT; i++)
		if (rows[i].which != HOST_LIMIT_PREFIX_RATE)
			metrics_u64(m, limit_of(host_limits_config(limits), rows[i].which), "scope",
				    rows[i].scope, "resource", rows[i].resource);
}
