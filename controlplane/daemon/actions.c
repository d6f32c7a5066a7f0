/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/actions.h"

#include <arpa/inet.h>

#include "controlplane/daemon/accounts_api.h"
#include "controlplane/daemon/connects.h"
#include "controlplane/daemon/disconnects.h"
#include "controlplane/daemon/drain.h"
#include "controlplane/daemon/known.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/traces.h"

const struct api_action node_actions[] = {
	{ "accounts", "", 0, 0, node_action_accounts },
	{ "connect", "ADDR|PEER [NETWORK] [ADDR…]", 1, 17, node_action_connect },
	{ "disconnect", "ADDR|PEER", 1, 1, node_action_disconnect },
	{ "peers", "", 0, 0, node_action_peers },
	{ "known", "", 0, 0, node_action_known },
	{ "drain", "[cancel]", 0, 1, node_action_drain },
	{ "resolve", "[NAME|PEER|OVERLAY]", 0, 1, node_action_resolve },
	{ "trace", "PEER [COUNT]", 1, 2, node_action_trace },
	{ NULL, NULL, 0, 0, NULL },
};

json_t *node_peer_json(const struct vd_peer_id *peer)
{
	char text[VD_PEER_ID_TEXT];

	return json_string(vd_peer_id_text(peer, text));
}

json_t *node_overlay_json(const uint8_t overlay[16])
{
	char text[INET6_ADDRSTRLEN];

	return json_string(inet_ntop(AF_INET6, overlay, text, sizeof text));
}

json_t *node_rtt_json(vd_ns rtt)
{
	return rtt ? json_real((double)rtt / (double)VD_NS_PER_MS) : json_null();
}
