/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/paths.h"

#include "controlplane/daemon/node.h"

/* A link's path: port, then both ends. */
struct link_path {
	uint8_t port;
	uint8_t local_ip[16], local_port[2];
	uint8_t remote_ip[16], remote_port[2];
};
static_assert(sizeof(struct link_path) <= PEERING_PATH_BYTES, "fits");

/* A session's path: the number of the link, and the route from it. */
struct session_way {
	uint64_t link;
	uint64_t label;
	uint64_t bits;
};
static_assert(sizeof(struct session_way) <= PEERING_PATH_BYTES, "fits");

struct peering_path node_path_of_endpoint(const struct sw_endpoint *endpoint)
{
	struct peering_path path = { 0 };
	struct link_path in = { .port = endpoint->port };

	memcpy(in.local_ip, endpoint->local.ip, sizeof in.local_ip);
	memcpy(in.remote_ip, endpoint->remote.ip, sizeof in.remote_ip);
	vd_be16_store(in.local_port, endpoint->local.port);
	vd_be16_store(in.remote_port, endpoint->remote.port);
	memcpy(path.bytes, &in, sizeof in);
	return path;
}

struct sw_endpoint node_endpoint_of_path(const struct peering_path *path)
{
	struct sw_endpoint endpoint = { 0 };
	struct link_path in;

	memcpy(&in, path->bytes, sizeof in);
	endpoint.port = in.port;
	memcpy(endpoint.local.ip, in.local_ip, sizeof in.local_ip);
	memcpy(endpoint.remote.ip, in.remote_ip, sizeof in.remote_ip);
	endpoint.local.port = vd_be16_load(in.local_port);
	endpoint.remote.port = vd_be16_load(in.remote_port);
	return endpoint;
}

size_t node_link_prefix(void *context, const struct peering_path *path,
			uint8_t out[PEERING_PREFIX_BYTES])
{
	enum { IP4_AT = 12, IP4_BYTES = 4, IP6_PREFIX_BYTES = 8 };
	struct sw_endpoint endpoint = node_endpoint_of_path(path);
	bool ip4 = vd_udp_addr_is_ip4(&endpoint.remote);
	size_t len = ip4 ? IP4_BYTES : IP6_PREFIX_BYTES;

	(void)context;
	memcpy(out, endpoint.remote.ip + (ip4 ? IP4_AT : 0), len);
	return len;
}

struct peering_path node_path_of_route(const struct route_path *route)
{
	struct peering_path path = { 0 };
	struct session_way in = { .link = route->link, .label = route->label, .bits = route->bits };

	memcpy(path.bytes, &in, sizeof in);
	return path;
}

size_t node_session_prefix(void *context, const struct peering_path *path,
			   uint8_t out[PEERING_PREFIX_BYTES])
{
	struct route_path route = node_route_of_path(path);

	(void)context;
	memcpy(out, &route.link, sizeof route.link);
	return sizeof route.link;
}

struct route_path node_route_of_path(const struct peering_path *path)
{
	struct session_way in;

	memcpy(&in, path->bytes, sizeof in);
	return (struct route_path){ .link = in.link, .label = in.label, .bits = (uint8_t)in.bits };
}
