/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/resolve.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/why.h"
#include "controlplane/route/overlay.h"

/* ---- which peer is meant ---- */

/* Of those we know: session peers, ourselves, neighbours, and what the file of names tells. */
ON_CONTROL static bool peer_of_overlay(const struct node *node, const uint8_t overlay[16],
				       struct vd_peer_id *peer_out)
{
	const struct route_session *session =
	    node->sessions ? route_sessions_of_overlay(node->sessions, overlay) : NULL;
	const struct names_row *row = names_of(&node->names, overlay);
	const struct route_link *link;
	uint32_t at = 0;

	if (session)
		*peer_out = session->peer;
	else if (memcmp(overlay, node->overlay, sizeof node->overlay) == 0)
		*peer_out = node->identity.id;
	if (session || memcmp(overlay, node->overlay, sizeof node->overlay) == 0)
		return true;
	for (; row && row < node->names.rows + node->names.count &&
	       memcmp(row->overlay, overlay, sizeof row->overlay) == 0;
	     row++) {
		*peer_out = row->peer;
		if (row->peer.len)
			return true;
	}
	while ((link = route_links_next(node->links, &at))) {
		if (memcmp(link->overlay, overlay, sizeof link->overlay) != 0)
			continue;
		*peer_out = link->peer;
		return true;
	}
	return false;
}

bool node_target(const struct node *node, const char *text, struct vd_peer_id *peer_out)
{
	const struct names_row *row = text ? names_find(&node->names, text) : NULL;
	uint8_t overlay[16];

	if (!text)
		return false;
	if (!vd_peer_id_of_text(text, peer_out))
		return true;
	if (row)
		return peer_of_overlay(node, row->overlay, peer_out);
	return inet_pton(AF_INET6, text, overlay) == 1 && peer_of_overlay(node, overlay, peer_out);
}

/* ---- telling ---- */

json_t *node_named(const struct node *node, json_t *object, const struct vd_peer_id *peer)
{
	const struct names_row *row;
	uint8_t overlay[16];

	if (!object)
		return NULL;
	route_overlay_address(node->config.session.prefix, peer, overlay);
	row = names_of(&node->names, overlay);
	json_object_set_new(object, "name", row ? json_string(row->name) : json_null());
	return object;
}

ON_CONTROL static json_t *host_json(const struct node *node, const uint8_t overlay[16],
				    const struct vd_peer_id *peer)
{
	const struct names_row *row = names_of(&node->names, overlay);
	size_t left = row ? (size_t)(node->names.rows + node->names.count - row) : 0;
	json_t *names = json_array();

	for (; left && memcmp(row->overlay, overlay, 16) == 0; row++, left--)
		json_array_append_new(names, json_string(row->name));
	return json_pack("{s:o, s:o, s:o}", "overlay", node_overlay_json(overlay), "peer",
			 peer->len ? node_peer_json(peer) : json_null(), "names", names);
}

ON_CONTROL static json_t *all_hosts(const struct node *node)
{
	json_t *hosts = json_array();

	for (size_t i = 0; i < node->names.count; i++) {
		const struct names_row *row = &node->names.rows[i];
		struct vd_peer_id peer = { 0 };

		if (i && memcmp(row->overlay, row[-1].overlay, sizeof row->overlay) == 0)
			continue;
		(void)peer_of_overlay(node, row->overlay, &peer);
		json_array_append_new(hosts, host_json(node, row->overlay, &peer));
	}
	return json_pack("{s:o}", "hosts", hosts);
}

void node_action_resolve(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	const char *text = json_string_value(json_array_get(args, 0));
	const struct names_row *row = text ? names_find(&node->names, text) : NULL;
	struct vd_peer_id peer = { 0 };
	uint8_t overlay[16];

	if (json_array_size(args) == 0) {
		api_reply_ok(reply, all_hosts(node));
		return;
	}
	if (node_target(node, text, &peer)) {
		route_overlay_address(node->config.session.prefix, &peer, overlay);
	} else if (row) { /* an address whose peer id nobody has told us */
		memcpy(overlay, row->overlay, sizeof overlay);
		peer.len = 0;
	} else {
		api_reply_error(reply,
				"nobody known by that; give a name of names.file, a peer id, "
				"or the overlay address of a known peer");
		return;
	}
	api_reply_ok(reply, host_json(node, overlay, &peer));
}

/* ---- the file ---- */

enum vd_err node_read_names(const struct config *config, struct names *names_out,
			    char why[NODE_WHY])
{
	char cause[NAMES_WHY] = "";
	enum vd_err err;

	*names_out = (struct names){ 0 };
	if (!config->names[0])
		return VD_OK;
	err = names_read(config->names, config->session.prefix, names_out, cause);
	if (err)
		snprintf(why, NODE_WHY, "names.file: %s", cause);
	return err;
}
