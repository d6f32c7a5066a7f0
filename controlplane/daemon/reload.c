/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/reload.h"

#include "base/log.h"
#include "controlplane/daemon/asked.h"
#include "controlplane/daemon/known.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/permits.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_events.h"
#include "controlplane/daemon/session_peers.h"
#include "controlplane/daemon/why.h"

/* ---- links ---- */

/* Those in no tier any more go; the others get their new permission at once. */
ON_CONTROL static void apply_tiers(struct node *node, vd_ns now)
{
	const struct route_link *link;
	uint32_t at = 0;

	while ((link = route_links_next(node->links, &at))) {
		node_review_link(node, &link->peer, "no longer in a tier", now);
		node_pump(node); /* a machine holds the events of few calls */
	}
}

/* Shown with the next handshake. A file that cannot be read now leaves the one of before. */
ON_CONTROL static void apply_token(struct node *node)
{
	char why[NODE_WHY];

	if (node_read_token(node, why))
		vd_log(VD_LOG_ERROR, VD_SUB_CONFIG, "the token stays as it was",
		       VD_STR("cause", why));
}

ON_CONTROL static bool is_listed(const struct config_addresses *list, const struct vd_peer_id *peer)
{
	for (uint32_t i = 0; i < list->count; i++) {
		struct vd_udp_addr address;
		struct vd_peer_id id;

		if (!vd_multiaddr_to_link(&list->at[i], &address, &id) &&
		    vd_peer_id_equal(&id, peer))
			return true;
	}
	return false;
}

/* The rows of routers that went are free (no peer); the others keep their numbers. */
ON_CONTROL static void apply_routers(struct node *node, vd_ns now)
{
	for (uint32_t i = 0; i < node->routers.count; i++) {
		struct node_router *router = &node->routers.rows[i];

		if (!router->peer.len || router->asked ||
		    is_listed(&node->config.link.routers, &router->peer))
			continue;
		node_drop_router(node, router, "no longer a router of this edge", now);
	}
	node_add_routers(node);
	for (uint32_t i = 0; i < node->routers.count; i++)
		if (node->routers.rows[i].peer.len && !node->routers.rows[i].trial)
			node_router_linked(node, &node->routers.rows[i], now);
	node_dial_routers(node, now);
}

/* ---- sessions ---- */

ON_CONTROL static void close_unlisted(struct node *node, const struct tier_peer_list *before,
				      vd_ns now)
{
	for (uint32_t i = 0; i < before->count; i++) {
		const struct vd_peer_id *peer = &before->ids[i];

		if (node_may_session(node, peer))
			continue;
		peering_undial(node->session_peering, peer, now);
		peering_close(node->session_peering, peer, CONTROL_REFUSED, "no longer allowed",
			      now);
		seek_unwant(node->seek, peer);
		node_pump(node); /* the close leaves while the peer is known */
		node_del_session_peer(node, peer);
	}
}

/* Peers that were to be kept up, and now only may come: their sessions stay while they are used. */
ON_CONTROL static void let_go_unlisted(struct node *node, const struct tier_peer_list *before)
{
	for (uint32_t i = 0; i < before->count; i++)
		if (!node_is_kept(node, &before->ids[i]))
			node_let_go(node, &before->ids[i]);
}

ON_CONTROL static void open_listed(struct node *node, const struct tier_peer_list *list,
				   bool connect, vd_ns now)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct route_session *session;

		if (node_add_session_peer(node, &list->ids[i], connect)) {
			vd_log(VD_LOG_WARN, VD_SUB_SESSION,
			       "too many session peers; raise session.sessions_max");
			return;
		}
		session = route_sessions_find(node->sessions, &list->ids[i]);
		if (!connect || session->current)
			continue;
		node_seek_session(node, &list->ids[i], now);
		node_pump(node);
	}
}

ON_CONTROL static void apply_sessions(struct node *node, const struct config *before, vd_ns now)
{
	if (!node->sessions)
		return;
	close_unlisted(node, &before->session.allow, now);
	close_unlisted(node, &before->session.connect, now);
	let_go_unlisted(node, &before->session.connect);
	open_listed(node, &node->config.session.allow, false, now);
	open_listed(node, &node->config.session.connect, true, now);
	(void)route_sessions_publish(node->sessions);
}

/* ---- all ---- */

/* Of the networks that are still there: others come and go with a restart. */
static void exchange_networks(struct config_host *running, const struct config_host *next)
{
	for (uint32_t i = 0; i < running->network_count; i++)
		for (uint32_t j = 0; j < next->network_count; j++) {
			struct config_network *to = &running->networks[i];
			const struct config_network *from = &next->networks[j];

			if (strcmp(to->name, from->name) != 0)
				continue;
			to->announce = from->announce;
			to->announce_also = from->announce_also;
			to->no_announce = from->no_announce;
		}
}

/* Takes the reloadable keys of `next`; `next` keeps the ones they replace. */
static void exchange(struct config *running, struct config *next)
{
	struct config before = *running;

	memcpy(running->link.tiers, next->link.tiers, sizeof running->link.tiers);
	running->link.tier_count = next->link.tier_count;
	running->link.routers = next->link.routers;
	memcpy(running->link.token, next->link.token, sizeof running->link.token);
	running->session.allow = next->session.allow;
	running->session.connect = next->session.connect;
	memcpy(running->names, next->names, sizeof running->names);
	running->host.announce = next->host.announce;
	running->host.announce_also = next->host.announce_also;
	running->host.no_announce = next->host.no_announce;
	exchange_networks(&running->host, &next->host);
	running->host.perf = next->host.perf;
	running->log = next->log;
	memcpy(next->link.tiers, before.link.tiers, sizeof next->link.tiers);
	next->link.tier_count = before.link.tier_count;
	next->link.routers = before.link.routers;
	next->session.allow = before.session.allow;
	next->session.connect = before.session.connect;
}

void node_reload(struct node *node)
{
	static struct config next; /* too large for the stack */
	struct config_error error;
	char why[NODE_WHY];
	struct names names;
	const char *key;

	if (!node->config_path) {
		vd_log(VD_LOG_WARN, VD_SUB_CONFIG, "nothing to reload: started without --config");
		return;
	}
	if (node->config.dev)
		config_default_dev(&next);
	else
		config_default(&next);
	if (config_read(node->config_path, &next, &error)) {
		vd_log(VD_LOG_ERROR, VD_SUB_CONFIG, "not reloaded; all stays as it was",
		       VD_STR("cause", error.text));
		config_fini(&next);
		return;
	}
	next.session.prefix = node->config.session.prefix; /* what the names are read for */
	if (node_read_names(&next, &names, why)) {
		vd_log(VD_LOG_ERROR, VD_SUB_CONFIG, "not reloaded; all stays as it was",
		       VD_STR("cause", why));
		config_fini(&next);
		return;
	}
	names_fini(&node->names);
	node->names = names;
	key = config_needs_restart(&node->config, &next);
	if (key)
		vd_log(VD_LOG_WARN, VD_SUB_CONFIG,
		       "a changed key takes effect only after a restart", VD_STR("key", key));
	exchange(&node->config, &next);
	vd_log_set_format((enum vd_log_format)node->config.log.format);
	(void)vd_log_set_levels(node->config.log.level);
	apply_token(node);
	apply_tiers(node, vd_now());
	apply_routers(node, vd_now());
	apply_sessions(node, &next, vd_now());
	node_known_reload(node);
	node_host_reload(node);
	config_fini(&next);
	vd_log(VD_LOG_INFO, VD_SUB_CONFIG, "reloaded");
	node_pump(node);
}
