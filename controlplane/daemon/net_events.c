/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/net_events.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/templates.h"
#include "controlplane/daemon/why.h"

ON_CONTROL static void look_at_tun(struct node *node)
{
	if (!node->tun_ifindex || cp_netmap_link(node->netmap, node->tun_ifindex))
		return;
	vd_log(VD_LOG_ERROR, VD_SUB_NET, "the TUN is gone, somebody deleted it; restart viaductd",
	       VD_STR("name", node->config.tun.name));
	node->tun_ifindex = 0;
	node->tun_gone = true;
}

ON_CONTROL static void on_net_changed(void *context)
{
	struct node *node = context;

	look_at_tun(node);
	ways_refresh(node->ways);
	node_begin_templates(node);
	node_dial_routers(node, vd_now());
	node_pump(node);
}

enum vd_err node_open_net(struct node *node, char why[NODE_WHY])
{
	struct route_port ports[ROUTE_PORTS_MAX];
	unsigned count = dp_port_count(node->dp);

	for (unsigned i = 0; i < count; i++) {
		struct dp_port_view view;

		dp_port_view(node->dp, i, &view);
		ports[i] = (struct route_port){
			.socket = node->config.dataplane.ports[i].driver == DP_DRIVER_UDP,
			.ifindex = view.ifindex,
			.mtu = view.mtu,
			.bind = view.bind,
		};
	}
	if (cp_netmap_new(&node->netmap))
		return NODE_FAIL(why, "out of memory");
	node->ways = ways_new(&node->plane, node->netmap, ports, count);
	if (!node->ways)
		return NODE_FAIL(why, "out of memory");
	if (cp_netlink_open(node->loop, node->netmap, on_net_changed, node, &node->netlink))
		return NODE_FAIL(why, "cannot read the kernel's routes by netlink: %s",
				 strerror(errno));
	return VD_OK;
}
