/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * paths: peering's opaque paths, and what they stand for: a link's is a port and both ends, a
 * session's a link and a label. They are compared as bytes, so unused ones are zero.
 *
 * Any thread; values.
 */
#include <stddef.h>
#include <stdint.h>

#include "controlplane/proto/peering.h"
#include "controlplane/route/sessions.h"
#include "switch/plane.h"

struct peering_path node_path_of_endpoint(const struct sw_endpoint *endpoint);
struct sw_endpoint node_endpoint_of_path(const struct peering_path *path);
struct peering_path node_path_of_route(const struct route_path *route);
struct route_path node_route_of_path(const struct peering_path *path);

/* Whose share of handshakes a path counts to: the /32 or /64; the ingress link. For peering. */
size_t node_link_prefix(void *node, const struct peering_path *path,
			uint8_t out[PEERING_PREFIX_BYTES]);
size_t node_session_prefix(void *node, const struct peering_path *path,
			   uint8_t out[PEERING_PREFIX_BYTES]);
