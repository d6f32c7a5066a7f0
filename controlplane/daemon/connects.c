/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/connects.h"

#include <stdio.h>
#include <string.h>

#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/asked.h"
#include "controlplane/daemon/dials.h"
#include "controlplane/daemon/disconnects.h"
#include "controlplane/daemon/link_exchange.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/session_events.h"
#include "controlplane/daemon/session_peers.h"

enum { TIMEOUT_S = 8 }; /* of a connect */
static_assert((int)TIMEOUT_S < (int)API_REPLY_S);

/* ---- trials ---- */

/* A connect that tried the row before does not give it back any more. */
static void take_over(struct node *node, struct node_connect *connect)
{
	for (unsigned i = 0; i < NODE_CONNECTS_MAX; i++)
		if (vd_peer_id_equal(&node->connects[i].peer, &connect->peer))
			node->connects[i].tries = false;
	connect->tries = true;
}

struct node_router *node_connect_try(struct node *node, struct node_connect *connect,
				     const struct vd_udp_addr *address)
{
	struct node_router *router = node_router_try(node, &connect->peer, address);

	if (router)
		take_over(node, connect);
	return router;
}

/* A link that was up before the row stays where it is. */
ON_CONTROL static void give_back(struct node *node, const struct vd_peer_id *peer)
{
	struct node_router *router = node_router_of(node, peer);

	if (!router || !router->trial)
		return;
	if (router->trial == NODE_TRIAL_NEW && !(router->found && node_is_linked(node, peer))) {
		node_end_link(node, peer);
		return;
	}
	peering_undial(node->link_peering, peer, vd_now());
	if (router->trial == NODE_TRIAL_NEW)
		node_forget_router(node, router);
	else
		node_router_restore(router);
	node_dial_routers(node, vd_now());
}

/* ---- waiting ---- */

static void answer(struct node_connect *connect, bool already)
{
	api_reply_ok(connect->reply,
		     json_pack("{s:s, s:o, s:s, s:b}", "kind",
			       connect->session ? "session" : "link", "peer",
			       node_peer_json(&connect->peer), "state", "up", "already", already));
	connect->reply = NULL;
}

/* What it had begun is undone, so that a failed connect changes nothing. */
ON_CONTROL static void fail(struct node *node, struct node_connect *connect, const char *why)
{
	struct node_connect failed = *connect;

	connect->reply = NULL; /* first: undoing makes events */
	if (failed.added)
		node_end_session(node, &failed.peer);
	if (failed.tries)
		give_back(node, &failed.peer);
	if (!failed.added && failed.session && !node_is_kept(node, &failed.peer))
		node_let_go(node, &failed.peer);
	api_reply_error(failed.reply, why);
}

ON_CONTROL static void fail_for_room(struct node *node, struct node_connect *connect)
{
	char why[API_WHY];

	snprintf(why, sizeof why, "too many routers; %d is the limit: disconnect one",
		 CONFIG_ROUTERS_MAX);
	fail(node, connect, why);
}

/* A session once it is up; a link once it goes to the address that is tried, or to one told. */
ON_CONTROL static bool is_what_was_asked(struct node *node, const struct peering_event *event,
					 bool session)
{
	const struct node_router *router = node_router_of(node, &event->peer);

	if (session)
		return event->kind == PEERING_UP || event->kind == PEERING_REBOOTED;
	if (event->kind == PEERING_UP && (!router || !router->trial || router->told))
		return true;
	if (event->kind != PEERING_UP && event->kind != PEERING_USE)
		return false;
	return router && node_is_linked_at(node, &event->peer, &router->address);
}

ON_CONTROL static void succeed(struct node *node, struct node_connect *connect)
{
	struct node_router *router = node_router_of(node, &connect->peer);

	if (connect->tries && router && router->trial)
		node_router_keep(node, router);
	answer(connect, false);
}

ON_CONTROL static void note_refusal(struct node_connect *connect, const struct peering_event *event)
{
	snprintf(connect->refused, sizeof connect->refused,
		 "refused (%s); ask its operator to add this peer to %s", event->text,
		 connect->session ? "session.allow" : "a tier");
	connect->until = 0; /* told, and undone, once the machine is quiet */
}

void node_note_connect(struct node *node, const struct peering_event *event, bool session)
{
	bool up = is_what_was_asked(node, event, session);

	if (!up && !session && event->kind == PEERING_UP)
		node_router_try_on(node, node_router_of(node, &event->peer));
	if (!up && event->kind != PEERING_REFUSED_BY)
		return;
	for (unsigned i = 0; i < NODE_CONNECTS_MAX; i++) {
		struct node_connect *connect = &node->connects[i];

		if (!connect->reply || connect->session != session ||
		    !vd_peer_id_equal(&connect->peer, &event->peer))
			continue;
		if (up)
			succeed(node, connect);
		else
			note_refusal(connect, event);
	}
}

void node_expire_connects(struct node *node, vd_ns now)
{
	for (unsigned i = 0; i < NODE_CONNECTS_MAX; i++) {
		struct node_connect *connect = &node->connects[i];
		char why[API_WHY];

		if (!connect->reply)
			continue;
		node_link_by_next(node, connect, now);
		if (now < connect->until)
			continue;
		if (connect->refused[0])
			snprintf(why, sizeof why, "%s", connect->refused);
		else if (connect->session)
			snprintf(why, sizeof why,
				 "no session within %d s; is that peer up, reserved at a router of "
				 "ours, and are we in its session.allow? see `viaduct routes`",
				 TIMEOUT_S);
		else if (node_is_linked(node, &connect->peer))
			snprintf(why, sizeof why,
				 "no answer there within %d s; the link that is up stays as it "
				 "was; is the address right?",
				 TIMEOUT_S);
		else
			snprintf(why, sizeof why,
				 "no answer within %d s; is the router running, are its address "
				 "and its peer id right?",
				 TIMEOUT_S);
		fail(node, connect, why);
	}
}

static struct node_connect *begin(struct node *node, const struct vd_peer_id *peer, bool session,
				  struct api_reply *reply)
{
	for (unsigned i = 0; i < NODE_CONNECTS_MAX; i++) {
		struct node_connect *connect = &node->connects[i];

		if (connect->reply)
			continue;
		*connect =
		    (struct node_connect){ .reply = reply,
					   .peer = *peer,
					   .session = session,
					   .until = vd_ns_add(vd_now(), VD_SECONDS(TIMEOUT_S)) };
		return connect;
	}
	api_reply_error(reply, "too many connects at once; try again later");
	return NULL;
}

/* ---- a link ---- */

/* Its link is up. If it was disconnected, the other side's: ours, too, from now on. */
ON_CONTROL static void keep_on(struct node *node, struct node_router *router)
{
	router->dialled &= !router->held;
	router->held = false;
	node_dial_routers(node, vd_now());
}

ON_CONTROL static void connect_link(struct node *node, const struct vd_udp_addr *address,
				    const struct vd_peer_id *peer, struct api_reply *reply)
{
	struct node_router *router = node_router_of(node, peer);
	bool same = router && vd_udp_addr_equal(&router->address, address);
	struct node_connect *connect = begin(node, peer, false, reply);

	if (!connect)
		return;
	if (same && !router->trial && node_is_linked(node, peer)) {
		keep_on(node, router);
		answer(connect, true);
		return;
	}
	router = node_connect_try(node, connect, address);
	if (!router) {
		fail_for_room(node, connect);
		return;
	}
	router->told = false;
	node_dial_routers(node, vd_now());
	if (!router->dialled) {
		fail(node, connect, "no port reaches that address; see dataplane.ports");
	} else if (node_is_linked_at(node, peer, address)) {
		node_router_keep(node, router);
		answer(connect, true);
	}
}

/* One that has called us is kept up from now on: where it is, and where it tells that it is. */
ON_CONTROL static void keep_caller(struct node *node, const struct vd_udp_addr *address,
				   const struct vd_peer_id *peer, struct api_reply *reply)
{
	struct node_router *router;

	connect_link(node, address, peer, reply);
	router = node_router_of(node, peer);
	if (router)
		router->told = node_link_is_told(node, peer);
}

/* To a peer by its id alone: at the address of its row, else where its own link goes, else at those
 * that it told. */
ON_CONTROL static void connect_link_by_id(struct node *node, const struct vd_peer_id *peer,
					  struct api_reply *reply)
{
	struct node_router *router = node_router_of(node, peer);
	struct node_connect *connect;
	struct vd_udp_addr address;

	if (router && !router->told) {
		address = router->address;
		connect_link(node, &address, peer, reply);
		return;
	}
	if (!router && node_where_linked(node, peer, &address)) {
		keep_caller(node, &address, peer, reply);
		return;
	}
	connect = begin(node, peer, false, reply);
	if (!connect)
		return;
	if (node_is_linked(node, peer)) {
		if (router)
			keep_on(node, router);
		answer(connect, true);
	} else if (!node_link_is_told(node, peer))
		fail(node, connect,
		     "no link address of that peer is known; connect to it by libp2p first, or "
		     "write "
		     "/ip4/198.18.1.1/udp/4001/viaduct/p2p/12D3…");
	else if (!node_link_by_told(node, connect, vd_now()))
		fail_for_room(node, connect);
}

/* Beside a session, whose frames then go directly. */
ON_CONTROL static void link_beside(struct node *node, struct node_connect *connect)
{
	if (node_link_is_told(node, &connect->peer) && !node_router_of(node, &connect->peer) &&
	    !node_is_linked(node, &connect->peer))
		(void)node_link_by_told(node, connect, vd_now());
}

/* ---- a session ---- */

ON_CONTROL static void connect_session(struct node *node, const struct vd_peer_id *peer,
				       struct api_reply *reply)
{
	struct node_connect *connect = begin(node, peer, true, reply);
	const struct route_session *session;
	struct peering_view view;

	if (!connect)
		return;
	connect->added = !node_may_session(node, peer);
	if (connect->added && !node_ask(node, peer)) {
		connect->added = false;
		fail(node, connect,
		     "too many sessions connected by hand; add it to session.connect");
		return;
	}
	if (node_add_session_peer(node, peer, true)) {
		fail(node, connect, "too many session peers; raise session.sessions_max");
		return;
	}
	(void)route_sessions_publish(node->sessions);
	session = route_sessions_find(node->sessions, peer);
	if (session->current && !peering_find(node->session_peering, peer, &view) && view.up)
		answer(connect, true);
	else {
		link_beside(node, connect);
		node_seek_session(node, peer, vd_now());
	}
}

/* ---- the commands ---- */

bool node_read_link(const char *text, struct vd_udp_addr *address_out, struct vd_peer_id *peer_out,
		    const char **why_out)
{
	struct vd_multiaddr multiaddr;

	*why_out = NULL;
	if (text[0] != '/')
		return false;
	if (vd_multiaddr_of_text(text, &multiaddr))
		*why_out = "not an address that can be read; is its peer id whole? Write "
			   "/ip4/198.18.1.1/udp/4001/viaduct/p2p/12D3…";
	else if (vd_multiaddr_to_link(&multiaddr, address_out, peer_out))
		*why_out = "not a link address, nor one of libp2p over TCP; write "
			   "/ip4/198.18.1.1/udp/4001/viaduct/p2p/12D3…";
	return !*why_out;
}

/* /viaduct/p2p/12D3…: a link to that peer; or a peer id where there are links alone. */
ON_CONTROL static bool is_link_by_id(const struct node *node, const char *text,
				     struct vd_peer_id *peer_out)
{
	static const char head[] = "/viaduct/p2p/";

	if (strncmp(text, head, sizeof head - 1) == 0)
		return !vd_peer_id_of_text(text + sizeof head - 1, peer_out);
	return !node->session_peering && text[0] != '/' && node_target(node, text, peer_out) &&
	       node_link_is_told(node, peer_out);
}

void node_action_connect(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	const char *text = json_string_value(json_array_get(args, 0)), *why;
	const char *network = json_string_value(json_array_get(args, 1)); /* NULL: not given */
	struct vd_udp_addr address;
	struct vd_peer_id peer;
	bool by_id = !network && is_link_by_id(node, text ? text : "", &peer);
	bool link = !by_id && node_read_link(text ? text : "", &address, &peer, &why);

	if (by_id)
		why = NULL;
	else if (!link && (why || network || !node->session_peering) &&
		 node_host_connect(node, args, reply))
		return;
	if (network)
		api_reply_error(reply, "a network is for libp2p addresses; write "
				       "/ip4/198.18.1.1/tcp/9096/p2p/12D3…");
	else if (why)
		api_reply_error(reply, why);
	else if (link && !peer.len)
		api_reply_error(reply, "the address does not say who is there; add /p2p/ and the "
				       "router's peer id");
	else if (!link && !by_id && !node_target(node, text, &peer))
		api_reply_error(reply, NODE_TARGET_WRONG);
	else if (vd_peer_id_equal(&peer, &node->identity.id))
		api_reply_error(reply, "that is this daemon itself; name another peer");
	else if (node->stopping || node->draining.on)
		api_reply_error(reply, "this daemon drains; see `viaduct drain --cancel`");
	else if (link)
		connect_link(node, &address, &peer, reply);
	else if (by_id)
		connect_link_by_id(node, &peer, reply);
	else if (!node->session_peering)
		api_reply_error(reply,
				"this daemon has no sessions; add a section tun, and restart");
	else
		connect_session(node, &peer, reply);
	node_pump(node);
}
