/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/injects.h"

#include "controlplane/daemon/node.h"
#include "controlplane/daemon/paths.h"
#include "multigram/frame.h"
#include "switch/forward.h"

/* An item of the worker's lane to fill, or NULL when it is full: the caller tries again. */
static struct sw_inject *try_begin(const struct node *node, unsigned worker, struct vd_bytes bytes)
{
	struct sw_inject *inject = NULL;

	if (bytes.len <= SW_EXCHANGE_BYTES)
		inject = sw_lane_reserve(&node->plane.injects[worker]);
	if (!inject)
		return NULL;
	memset(inject, 0, offsetof(struct sw_inject, bytes));
	inject->len = (uint16_t)bytes.len;
	if (bytes.len)
		memcpy(inject->bytes, bytes.at, bytes.len);
	return inject;
}

/* What finds no room is lost, and counted: machines send again. */
static struct sw_inject *begin(struct node *node, unsigned worker, struct vd_bytes bytes)
{
	struct sw_inject *inject = try_begin(node, worker, bytes);

	node->counters.injects_full += !inject;
	return inject;
}

static void commit(struct node *node, unsigned worker)
{
	sw_lane_commit(&node->plane.injects[worker]);
	sw_wake_up(&node->plane.worker_wakes[worker]);
}

bool node_template(struct node *node, const struct sw_endpoint *endpoint,
		   struct sw_template *send_out)
{
	enum vd_err err = ways_template(node->ways, endpoint, send_out);

	if (err == VD_AGAIN)
		cp_netlink_poke(node->netlink); /* ask for the next hop now */
	else if (err)
		node->counters.no_way++;
	return !err || err == VD_AGAIN;
}

void node_send_datagram(struct node *node, const struct peering_path *path, struct vd_bytes frame)
{
	struct sw_endpoint endpoint = node_endpoint_of_path(path);
	struct sw_template send;
	struct sw_inject *inject;

	if (!node_template(node, &endpoint, &send))
		return;
	inject = begin(node, node->worker_now, frame);
	if (!inject)
		return;
	inject->kind = SW_INJECT_DATAGRAM;
	inject->send = send;
	commit(node, node->worker_now);
}

void node_send_payload(struct node *node, const struct peering_path *path, struct vd_bytes payload)
{
	struct route_path route = node_route_of_path(path);
	const struct route_link *link = route_links_of_number(node->links, route.link);
	struct sw_inject *inject;

	if (!link || !link->current) {
		node->counters.no_way++;
		return;
	}
	inject = begin(node, link->owner, payload);
	if (!inject)
		return;
	inject->kind = SW_INJECT_PAYLOAD;
	inject->link = link->current;
	inject->label = route.label;
	inject->flags = payload.len && payload.at[0] == MG_REPORT ? SW_FLAG_ERROR : 0;
	commit(node, link->owner);
}

/* The worker that seals for a session, or 0 when it is gone. */
static unsigned owner_of_session(const struct node *node, uint32_t index)
{
	const struct sw_session *session = sw_session_find(&node->plane.sessions, index);

	return session ? session->owner : 0;
}

void node_send_padded(struct node *node, uint32_t session, const struct peering_path *path,
		      struct vd_bytes plain, size_t pad)
{
	struct route_path route = node_route_of_path(path);
	const struct route_link *link = route_links_of_number(node->links, route.link);
	unsigned owner = owner_of_session(node, session);
	struct sw_inject *inject;

	if (!link || !link->current) {
		node->counters.no_way++;
		return;
	}
	inject = begin(node, owner, plain);
	if (!inject)
		return;
	inject->kind = SW_INJECT_INNER;
	inject->session = session;
	inject->pad = (uint32_t)pad;
	inject->path = (struct sw_path){ .link = link->current,
					 .payload_max = link->payload_max,
					 .label = route.label };
	commit(node, owner);
	route_sessions_injected(node->sessions, session);
}

void node_send_inner(struct node *node, uint32_t session, const struct peering_path *path,
		     struct vd_bytes plain)
{
	node_send_padded(node, session, path, plain, 0);
}

bool node_write_path(struct node *node, uint32_t session, const struct sw_path *path)
{
	unsigned owner = owner_of_session(node, session);
	struct sw_inject *inject = try_begin(node, owner, vd_bytes(NULL, 0));

	if (!inject)
		return false;
	inject->kind = SW_INJECT_SESSION_PATH;
	inject->session = session;
	inject->path = *path;
	commit(node, owner);
	return true;
}

bool node_write_template(struct node *node, unsigned owner, uint32_t link,
			 const struct sw_template *send)
{
	struct sw_inject *inject = try_begin(node, owner, vd_bytes(NULL, 0));

	if (!inject)
		return false;
	inject->kind = SW_INJECT_LINK_TEMPLATE;
	inject->link = link;
	inject->send = *send;
	commit(node, owner);
	return true;
}
