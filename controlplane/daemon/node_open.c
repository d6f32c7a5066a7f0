/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* node_open: makes a node, part by part in the order of dependence. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/known.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/link_exchange.h"
#include "controlplane/daemon/loop_events.h"
#include "controlplane/daemon/lost_frames.h"
#include "controlplane/daemon/net_events.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/node_identity.h"
#include "controlplane/daemon/paths.h"
#include "controlplane/daemon/permits.h"
#include "controlplane/daemon/privileges.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/resume.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_events.h"
#include "controlplane/daemon/session_peers.h"
#include "controlplane/daemon/status.h"
#include "controlplane/daemon/why.h"
#include "controlplane/route/overlay.h"

enum {
	TUN_MTU_START = 1280, /* until the sessions know what their paths carry */
	LOST_REPORTS_PER_S = 10,
	PEERS_A_SLOT = 2, /* slots of a table for each peer, so that rekeying finds room */
};

static enum vd_err open_identity(struct node *node, char why[NODE_WHY])
{
	enum vd_err err = node_read_identity(node, why);

	if (err)
		return err;
	route_overlay_address(node->config.session.prefix, &node->identity.id, node->overlay);
	do
		randombytes_buf(&node->boot, sizeof node->boot);
	while (!node->boot);
	return VD_OK;
}

/* Handshakes hold indices, too: as many more, so that a flood of them leaves peers theirs. */
static uint32_t with_handshakes(uint32_t slots)
{
	const uint32_t most = 1u << SW_SLOT_BITS;

	return slots < most - PEERING_INDICES ? slots + PEERING_INDICES : most;
}

ON_CONTROL static enum vd_err open_plane(struct node *node, char why[NODE_WHY])
{
	const struct config *config = &node->config;
	struct sw_plane_config plane = {
		.workers = config->dataplane.workers,
		.width = config->link.width,
		.links_max = with_handshakes(config->link.links_max),
		.sessions_max = with_handshakes(config->session.sessions_max),
		.delivery_per_s = config->link.delivery_pps,
	};
	enum vd_err err = sw_plane_init(&node->plane, &plane);

	return err ? NODE_FAIL(why, "cannot make the tables: %s; lower link.links_max",
			       vd_err_text(err))
		   : VD_OK;
}

static unsigned long huge_pages_free(void)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	char line[32] = "";

	if (!file)
		return 0;
	if (!fgets(line, sizeof line, file))
		line[0] = 0;
	fclose(file);
	return strtoul(line, NULL, 10);
}

ON_CONTROL static enum vd_err open_dataplane(struct node *node, char why[NODE_WHY])
{
	const struct config *config = &node->config;
	enum { ENOUGH_PAGES = 128 };
	struct dp_config dp = {
		.workers = config->dataplane.workers,
		.poll = config->dataplane.idle == CONFIG_IDLE_POLL,
		.no_huge = config->dataplane.huge == CONFIG_HUGE_OFF ||
			   (config->dataplane.huge == CONFIG_HUGE_AUTO &&
			    huge_pages_free() < ENOUGH_PAGES),
		.memory_mb = config->dataplane.memory_mb,
		.port_count = config->dataplane.port_count,
		.tun = config->tun.enabled,
		.tun_mtu = config->tun.mtu ? config->tun.mtu : TUN_MTU_START,
		.tun_hides_dscp = config->tun.traffic_class == CONFIG_DSCP_HIDE,
		.xdp_program =
		    config->dataplane.xdp_program[0] ? config->dataplane.xdp_program : NULL,
	};

	memcpy(dp.ports, config->dataplane.ports, sizeof dp.ports);
	snprintf(dp.tun_name, sizeof dp.tun_name, "%s", config->tun.name);
	memcpy(dp.tun_address, node->overlay, sizeof dp.tun_address);
	return dp_open(&dp, &node->plane, &node->dp, why);
}

ON_CONTROL static enum vd_err reserve_link_index(void *context, uint32_t *index_out)
{
	return sw_link_reserve(&((struct node *)context)->plane.links, index_out);
}

ON_CONTROL static void release_link_index(void *context, uint32_t index)
{
	sw_link_release(&((struct node *)context)->plane.links, index);
}

ON_CONTROL static enum vd_err reserve_session_index(void *context, uint32_t *index_out)
{
	return sw_session_reserve(&((struct node *)context)->plane.sessions, index_out);
}

ON_CONTROL static void release_session_index(void *context, uint32_t index)
{
	sw_session_release(&((struct node *)context)->plane.sessions, index);
}

static size_t observed_address(void *context, const struct peering_path *path, uint8_t *out,
			       size_t cap)
{
	struct sw_endpoint endpoint = node_endpoint_of_path(path);
	struct vd_multiaddr address;

	(void)context;
	vd_multiaddr_of_link(&endpoint.remote, NULL, &address);
	if (address.len > cap)
		return 0;
	memcpy(out, address.bytes, address.len);
	return address.len;
}

ON_CONTROL static enum vd_err open_links(struct node *node, char why[NODE_WHY])
{
	uint32_t peers_max = node->config.link.links_max / PEERS_A_SLOT;
	struct peering_config config = {
		.kind = PEERING_LINK,
		.identity = &node->identity,
		.boot = node->boot,
		.width = node->config.link.width,
		.peers_max = peers_max,
		.rekey = VD_SECONDS(node->config.link.rekey_s),
		.offer = { "/viaduct/ping/1" },
		.context = node,
		.admit = node_admit_link,
		.token = node_token_for,
		.index_reserve = reserve_link_index,
		.index_release = release_link_index,
		.prefix = node_link_prefix,
		.observed = observed_address,
		.sent = node_link_sent,
		.lost_reports = &node->lost_reports,
	};

	if (node_read_token(node, why))
		return VD_EUSER;
	node->lost_reports = sw_bucket_of_rate(LOST_REPORTS_PER_S, vd_now());
	node->links = route_links_new(&node->plane, peers_max, node->config.session.prefix);
	node->seek = seek_new(node->config.session.sessions_max);
	if (!node->links || !node->seek || peering_new(&config, &node->link_peering))
		return NODE_FAIL(why, "out of memory; lower link.links_max");
	return VD_OK;
}

ON_CONTROL static enum vd_err add_session_peers(struct node *node,
						const struct tier_peer_list *list, bool connect)
{
	for (uint32_t i = 0; i < list->count; i++) {
		enum vd_err err = node_add_session_peer(node, &list->ids[i], connect);

		if (err)
			return err;
	}
	return VD_OK;
}

ON_CONTROL static enum vd_err find_tun(struct node *node, char why[NODE_WHY])
{
	const struct cp_net_link *tun = cp_netmap_link_by_name(node->netmap, node->config.tun.name);

	if (!tun)
		return NODE_FAIL(why, "the TUN device %s is not there", node->config.tun.name);
	node->tun_ifindex = tun->ifindex;
	node->tun_mtu = node->config.tun.mtu ? node->config.tun.mtu : TUN_MTU_START;
	return VD_OK;
}

ON_CONTROL static enum vd_err open_sessions(struct node *node, char why[NODE_WHY])
{
	const struct config_session *session = &node->config.session;
	uint32_t peers_max = session->sessions_max / PEERS_A_SLOT;
	struct peering_config config = {
		.kind = PEERING_SESSION,
		.identity = &node->identity,
		.boot = node->boot,
		.peers_max = peers_max,
		.rekey = VD_SECONDS(session->rekey_s),
		.offer = { "/viaduct/ip6/1", "/viaduct/ping/1" },
		.context = node,
		.admit = node_admit_session,
		.index_reserve = reserve_session_index,
		.index_release = release_session_index,
		.sent = node_session_sent,
		.sent_long = node_session_sent_long,
		.lost_reports = &node->lost_reports,
		.prefix = node_session_prefix,
	};

	if (!node->config.tun.enabled)
		return VD_OK; /* a router alone ends no sessions */
	node->sessions =
	    route_sessions_new(&node->plane, peers_max, session->prefix, node->overlay);
	node->learnt = learnt_routes_new(peers_max * CONFIG_ROUTERS_MAX);
	if (!node->sessions || !node->learnt || peering_new(&config, &node->session_peering))
		return NODE_FAIL(why, "out of memory; lower session.sessions_max");
	if (find_tun(node, why))
		return VD_EUSER;
	if (add_session_peers(node, &session->connect, true) ||
	    add_session_peers(node, &session->allow, false))
		return NODE_FAIL(why,
				 "session.allow and session.connect name more than %u peers; "
				 "raise session.sessions_max",
				 peers_max);
	return route_sessions_publish(node->sessions);
}

static enum vd_err open_names(struct node *node, char why[NODE_WHY])
{
	return node_read_names(&node->config, &node->names, why);
}

static enum vd_err open_api(struct node *node, char why[NODE_WHY])
{
	struct api_config config = {
		.socket = node->config.api.socket,
		.listen = node->config.api.listen_on ? &node->config.api.listen : NULL,
	};
	struct api_source source = node_api_source;

	source.context = node;
	return api_new(node->loop, &config, &source, &node->api, why);
}

enum vd_err node_open(struct node *node, const struct config *config, const char *config_path,
		      char why[NODE_WHY])
{
	static enum vd_err (*const steps[])(struct node * node, char why[NODE_WHY]) = {
		open_identity,           open_names,     open_plane,      open_dataplane,
		node_open_loop,          node_open_net,  open_links,      open_sessions,
		node_open_hosts,         node_drop_root, node_open_store, node_open_known,
		node_open_link_exchange, open_api,       node_settle,
	};
	char cause[NODE_WHY] = "";

	*node = (struct node){ .config = *config, .config_path = config_path, .started = vd_now() };
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		enum vd_err err = steps[i](node, cause);

		if (err) {
			snprintf(why, NODE_WHY, "%s%s%s", cause[0] ? cause : vd_err_text(err),
				 node->user[0] ? "; it runs as user " : "", node->user);
			return err;
		}
	}
	node_add_routers(node);
	return dp_start(node->dp, why);
}
