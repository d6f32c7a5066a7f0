/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/actions.h"

#include <arpa/inet.h>

const struct api_action node_actions[] = {
	{ "connect", "ADDR|PEER", 1, 1, node_connect },
	{ "disconnect", "ADDR|PEER", 1, 1, node_disconnect },
	{ "drain", "[cancel]", 0, 1, node_drain },
	{ NULL, NULL, 0, 0, NULL },
};

bool node_target(const struct node *node, const char *text, struct vd_peer_id *peer_out)
{
	uint8_t overlay[16];
	const struct route_session *session;

	if (!text)
		return false;
	if (!vd_peer_id_of_text(text, peer_out))
		return true;
	if (!node->sessions || inet_pton(AF_INET6, text, overlay) != 1)
		return false;
	session = route_sessions_of_overlay(node->sessions, overlay);
	if (session)
		*peer_out = session->peer;
	return session != NULL;
}

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
