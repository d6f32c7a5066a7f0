/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * node: the daemon's control thread: every machine, table and descriptor of this node, and
 * the wires between them.
 *
 *	worker --punt--> punts.c --> peering (links), peering (sessions)
 *	                                  | events
 *	              link_events.c, session_events.c --> route/ (tables), seek, reserve
 *	                                  | frames
 *	worker <--inject-- injects.c <----+
 *
 * After any input node_pump() drains the machines until all are quiet, and sets the timer to
 * the next deadline. Nothing here waits.
 *
 * Threads: control. Memory: all of it made in node_open.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/formats/key.h"
#include "base/formats/multiaddr.h"
#include "base/thread.h"
#include "base/time.h"
#include "controlplane/api/api.h"
#include "controlplane/daemon/asked.h"
#include "controlplane/daemon/config.h"
#include "controlplane/daemon/conn_counts.h"
#include "controlplane/daemon/connects.h"
#include "controlplane/daemon/names.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/why.h"
#include "controlplane/host/book_router.h"
#include "controlplane/host/dialer.h"
#include "controlplane/host/listen_expand.h"
#include "controlplane/host/swarm.h"
#include "controlplane/loop/loop.h"
#include "controlplane/loop/netlink.h"
#include "controlplane/loop/netmap.h"
#include "controlplane/proto/draining.h"
#include "controlplane/proto/link_book.h"
#include "controlplane/proto/peering.h"
#include "controlplane/proto/pnet_key.h"
#include "controlplane/proto/seek.h"
#include "controlplane/route/accounts.h"
#include "controlplane/route/learnt.h"
#include "controlplane/route/links.h"
#include "controlplane/route/sessions.h"
#include "controlplane/route/store.h"
#include "controlplane/route/ways.h"
#include "dataplane/dataplane.h"
#include "switch/plane.h"
#include "switch/report.h"

enum {
	NODE_REPORTED_ROWS = 256,
	NODE_PINGS_MAX = 64,                      /* API pings that wait for their pong */
	NODE_SWARMS = 1 + VD_CONFIG_NETWORKS_MAX, /* networks that a node may be in */
};

/* An API ping that waits. */
struct node_ping {
	struct api_reply *reply; /* NULL: free */
	struct vd_peer_id peer;
	bool session;
	vd_ns until;
};

enum { NODE_TRACE_ROUNDS = 50 };

/* Pings to one hop of a traced path. */
struct node_trace_hop {
	uint64_t ids[NODE_TRACE_ROUNDS]; /* of those not answered; 0: answered, or none */
	vd_ns at[NODE_TRACE_ROUNDS];
	unsigned sent, received;
	vd_ns sum; /* of round-trip times */
};

/* `viaduct ping --path` under way (traces.c). */
struct node_trace {
	struct api_reply *reply; /* NULL: none */
	struct vd_peer_id peer, router;
	bool routed; /* by that router; else the link is the peer's own */
	unsigned round, rounds;
	vd_ns next;
	struct node_trace_hop hops[2]; /* the router, the peer */
};

/* The capture under way (captures.c). */
struct node_capture {
	uint64_t id;         /* of the last one */
	unsigned kinds;      /* SW_CAPTURE_…; 0: none is under way */
	unsigned directions; /* SW_CAPTURE_IN, _OUT: what is told */
	uint8_t drop;
	uint8_t round;
	struct vd_peer_id peer; /* len 0: any */
	struct vd_udp_addr remote;
	struct api_reply *reply; /* waits for packets; NULL: nobody does */
	vd_ns asked;
	vd_ns until; /* ends then unless asked again */
	uint64_t missed_before;
};

/* When a session last acted on a report. */
struct node_reported {
	uint32_t session; /* index */
	vd_ns at;
};

/* What this thread alone counts. */
struct node_counters {
	uint64_t injects_full;             /* worker lanes that took no more */
	uint64_t no_way;                   /* frames for addresses that no port reaches */
	uint64_t bad_control;              /* control messages that do not decode */
	uint64_t reports[SW_REPORT_CODES]; /* believed, by code */
	uint64_t paths_refused;            /* routes with too small an MTU */
	uint64_t sessions_moved;           /* to another path, after a challenge was answered */
	uint64_t mtu_sent, mtu_answered;   /* probes */
	uint64_t mtu_black_holes, mtu_too_small;
};

/* Peers to open links to, since they reserved here before this node restarted (resume.c). */
struct node_known {
	struct vd_peer_id peer;
	struct vd_udp_addr address;
};

struct node_resume {
	struct node_known *known; /* [count] */
	uint32_t count, next;
	uint32_t again; /* [0, again) of known: no way yet */
	unsigned rounds;
	vd_ns began; /* this round */
};

/* Of the swarm in one network. */
struct node_known_peers {
	struct swarm *swarm;
	uint8_t fingerprint[PNET_FINGERPRINT]; /* of a private network's key */
	struct peer_store *store;
	struct book_router router; /* of the store; the dialer's first */
	struct keeper *keeper;
};

struct node {
	struct vd_config config;
	const char *config_path;   /* borrowed; NULL: none */
	char user[VD_CONFIG_NAME]; /* whom root became; empty: nobody */
	struct vd_identity identity;
	uint8_t overlay[16];
	uint64_t boot;
	vd_ns started;

	struct sw_plane plane;
	struct dp *dp;
	struct cp_loop *loop;
	struct cp_timer *timer;
	struct cp_watch *wake;
	struct cp_signal *sigterm, *sigint, *sighup;
	struct cp_netmap *netmap;
	struct cp_netlink *netlink;
	struct ways *ways;
	struct route_links *links;
	struct route_sessions *sessions;
	struct learnt_routes *learnt; /* NULL: no sessions, no routes */
	struct route_store *store;    /* NULL: nothing is remembered */
	struct accounts *accounts;    /* in the store; NULL as it is */
	struct node_resume resume;
	struct peering *link_peering;
	struct peering *session_peering;
	struct seek *seek;
	struct host_limits *host_limits; /* of all hosts; NULL: there is none */
	/* [0]: in the public network, if host.listen names addresses; [1 + i]: in networks[i]. */
	struct swarm *swarms[NODE_SWARMS];
	struct dialer *dialers[NODE_SWARMS];                       /* as swarms */
	struct node_known_peers known[1 + VD_CONFIG_NETWORKS_MAX]; /* by them */
	struct conn_counts conn_counts;                            /* of all of them */
	struct link_book *link_book;    /* what peers told; NULL: there is nobody to tell it */
	struct link_addresses link_own; /* what they are told */
	vd_ns link_look;                /* whether that is another now */
	struct api *api;

	struct node_routers routers;
	struct node_ping pings[NODE_PINGS_MAX];
	struct node_connect connects[NODE_CONNECTS_MAX];
	struct node_trace trace;
	struct node_asked asked;
	struct node_counters counters;
	struct node_reported reported[NODE_REPORTED_ROWS];
	struct node_capture capture;
	struct names names;
	struct sw_bucket lost_reports;
	struct draining draining;
	uint8_t token[VD_TOKEN_MAX]; /* shown to our routers */
	uint8_t token_len;

	unsigned jobs_out;  /* on libuv's pool */
	uint8_t worker_now; /* whose punt is being handled: owner of what it makes */
	vd_ns next_tick;
	vd_ns next_poll;        /* of a slice of the links */
	vd_ns next_look;        /* at the sessions' traffic */
	vd_ns paths_at;         /* when the sessions' paths want something */
	vd_ns mtu_at;           /* when the search for what they carry does */
	uint32_t tun_mtu;       /* as it is now; 0: there is no TUN */
	bool moves_pending;     /* sessions whose owner is to be told their path */
	bool templates_pending; /* links to look at since the last change of routes */
	uint32_t templates_at;  /* the next of them */
	uint32_t tun_ifindex;   /* 0: none */
	bool tun_gone;          /* somebody deleted it */
	bool stopping;
	bool deaf; /* its end began: the loop turns for what is being closed, not for us */
};

/*
 * Opens everything in the order of dependence. `config` is taken; `config_path` (NULL: none) is
 * kept, for SIGHUP. On failure `why` says what
 * and the cure, and only node_close is to be called.
 */
enum vd_err node_open(struct node *node, const struct vd_config *config, const char *config_path,
		      char why[NODE_WHY]) ON_CONTROL;
/* Runs until SIGTERM or SIGINT, then drains. */
void node_run(struct node *node) ON_CONTROL;
void node_close(struct node *node) ON_CONTROL;

/* The line "ready peer=… listen=…" for stdout; `out` has `cap` bytes. */
void node_ready_line(const struct node *node, char *out, size_t cap) ON_CONTROL;

/* ---- shared by the node_*.c files ---- */

/* Drains all machines, then sets the timer. After every input. */
void node_pump(struct node *node) ON_CONTROL;
/* Only the machines, until all are quiet: between calls that make many events. */
void node_pump_events(struct node *node, vd_ns now) ON_CONTROL;

/* punts.c: everything the workers handed up; false when there was nothing. */
bool node_take_punts(struct node *node) ON_CONTROL;

/* jobs.c: runs it elsewhere, and hands its result over when it comes. */
void node_do_job(struct node *node, struct peering *peering, struct peering_job *job) ON_CONTROL;
/* Waits for those that are running, at the end: some milliseconds. */
void node_finish_jobs(struct node *node) ON_CONTROL;

/* injects.c: the headers of a way; false, and counted, when there is none now. */
bool node_template(struct node *node, const struct sw_endpoint *endpoint,
		   struct sw_template *send_out) ON_CONTROL;
/* Each counts when the lane is full. */
bool node_write_template(struct node *node, unsigned owner, uint32_t link,
			 const struct sw_template *send) ON_CONTROL;
void node_send_datagram(struct node *node, const struct peering_path *path,
			struct vd_bytes frame) ON_CONTROL;
void node_send_payload(struct node *node, const struct peering_path *path,
		       struct vd_bytes payload) ON_CONTROL;
void node_send_inner(struct node *node, uint32_t session, const struct peering_path *path,
		     struct vd_bytes plain) ON_CONTROL;
/* The same with `pad` zeros behind the plaintext. */
void node_send_padded(struct node *node, uint32_t session, const struct peering_path *path,
		      struct vd_bytes plain, size_t pad) ON_CONTROL;
bool node_write_path(struct node *node, uint32_t session, const struct sw_path *path) ON_CONTROL;

/* lost_frames.c: peering's `sent`, and what the workers could not make sense of. */
uint64_t node_link_sent(void *node, uint32_t index, vd_ns now, vd_ns *at_out);
uint64_t node_session_sent(void *node, uint32_t index, vd_ns now, vd_ns *at_out) ON_CONTROL;
bool node_session_sent_long(void *node, uint32_t index) ON_CONTROL;
void node_on_unknown(struct node *node, const struct sw_punt *punt) ON_CONTROL;
/* link_moves.c: a frame came from another address than the link's. */
void node_on_moved(struct node *node, const struct sw_punt *punt) ON_CONTROL;
/* The peer's address changed, and it proved that it is there. */
void node_move_link(struct node *node, const struct vd_peer_id *peer,
		    const struct peering_path *path) ON_CONTROL;

/* path_reports.c: a report about a frame of ours. */
void node_on_report(struct node *node, const struct sw_punt *punt) ON_CONTROL;

/* path_mtu.c: how much the sessions' paths carry, and the TUN's MTU. A probe arrived. */
void node_on_probed(struct node *node, const struct peering_event *event, vd_ns now) ON_CONTROL;
/* A believed report: switch payloads of at most `limit` pass on the session's path. */
void node_mtu_reported(struct node *node, const struct route_session *session, uint16_t limit,
		       vd_ns now) ON_CONTROL;
/* What a session's path carries, as far as probes tell: a switch payload; 0: nothing is known. */
uint16_t node_mtu_payload(const struct node *node, const struct vd_peer_id *peer,
			  const struct route_path *path) ON_CONTROL;
enum mtu_state node_mtu_state(const struct node *node,
			      const struct route_session *session) ON_CONTROL;
/* Every 250 ms: other paths, other limits, traffic. */
void node_look_at_mtu(struct node *node, vd_ns now) ON_CONTROL;
/* False when nothing was due. */
bool node_pump_mtu(struct node *node, vd_ns now) ON_CONTROL;

/* paths.c: the opaque paths of peering, and what they stand for. */
struct peering_path node_path_of_endpoint(const struct sw_endpoint *endpoint);
struct sw_endpoint node_endpoint_of_path(const struct peering_path *path);
struct peering_path node_path_of_route(const struct route_path *route);
struct route_path node_route_of_path(const struct peering_path *path);
/* Whose share of handshakes a path counts to: the /32 or /64; the ingress link. */
size_t node_link_prefix(void *node, const struct peering_path *path,
			uint8_t out[PEERING_PREFIX_BYTES]);
size_t node_session_prefix(void *node, const struct peering_path *path,
			   uint8_t out[PEERING_PREFIX_BYTES]);

/* link_events.c, session_events.c: what a machine decided. */
void node_on_link_event(struct node *node, const struct peering_event *event, vd_ns now) ON_CONTROL;
/* To the peer of a link. Lost when the link is down: whoever asked repeats it. */
void node_send_control(struct node *node, const struct vd_peer_id *peer,
		       const struct control_msg *msg, vd_ns now) ON_CONTROL;
void node_on_session_event(struct node *node, const struct peering_event *event,
			   vd_ns now) ON_CONTROL;
void node_on_seek_event(struct node *node, const struct seek_event *event, vd_ns now) ON_CONTROL;
bool node_admit_session(void *node, const struct peering_claim *claim);
bool node_may_session(struct node *node, const struct vd_peer_id *peer);

/* permits.c: who may have a link, and what it may do. */
bool node_admit_link(void *node, const struct peering_claim *claim) ON_CONTROL;
struct route_policy node_policy_of(const struct node *node,
				   const struct vd_claim *claim) ON_CONTROL;
/* Tiers, address or token of a link may be others now: it changes, or is closed with `text`. */
void node_review_link(struct node *node, const struct vd_peer_id *peer, const char *text,
		      vd_ns now) ON_CONTROL;
/* What link.token names. VD_EUSER: `why`, and the token stays as it was. */
enum vd_err node_read_token(struct node *node, char why[NODE_WHY]) ON_CONTROL;
size_t node_token_for(void *node, const struct vd_peer_id *peer,
		      uint8_t out[VD_TOKEN_MAX]) ON_CONTROL;

/* session_moves.c: the session goes by `path`, `data` to its owner, who is told once its lane has
 * room. */
void node_move_session(struct node *node, const struct route_session *session,
		       const struct route_path *path, const struct sw_path *data) ON_CONTROL;
/* Tells the owners who have not been told yet, as far as there is room. */
void node_tell_moves(struct node *node) ON_CONTROL;

/* templates.c: the kernel's routes changed; then a slice of links at each pump. */
void node_begin_templates(struct node *node) ON_CONTROL;
/* One link, at once; false when a lane is full: it is to be looked at again. */
bool node_refresh_link(struct node *node, const struct route_link *link) ON_CONTROL;
void node_refresh_templates(struct node *node) ON_CONTROL;

/* resume.c: what a router remembers of its peers. */
enum vd_err node_open_store(struct node *node, char why[NODE_WHY]) ON_CONTROL;
void node_close_store(struct node *node) ON_CONTROL;
/* Opens links that are due. */
void node_resume(struct node *node, vd_ns now) ON_CONTROL;
vd_ns node_resume_deadline(const struct node *node);
/* The peer's address is to be remembered, if it has a reservation; or forgotten. */
void node_remember(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;
void node_forget(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;

/* node_identity.c: the key of config.key. */
enum vd_err node_read_identity(struct node *node, char why[NODE_WHY]);

/* privileges.c: after what needs root is open, and after the rest is. */
enum vd_err node_drop_root(struct node *node, char why[NODE_WHY]) ON_CONTROL;
enum vd_err node_settle(struct node *node, char why[NODE_WHY]) ON_CONTROL;

/* reload.c: SIGHUP. */
void node_reload(struct node *node) ON_CONTROL;

/* Starts looking for a way to a session peer, or dials it if its link is up. */
void node_seek_session(struct node *node, const struct vd_peer_id *peer, vd_ns now) ON_CONTROL;
/* The same for one that we keep up. */
void node_seek_again(struct node *node, const struct route_session *session, vd_ns now) ON_CONTROL;
/* Looks for other ways for sessions that are not answered (switch/SPEC.md). */
void node_seek_lost(struct node *node, vd_ns now) ON_CONTROL;
/* Routes learnt from this router are void: it restarted. Sessions look for new ones. */
void node_routes_died(struct node *node, const struct vd_peer_id *router, vd_ns now) ON_CONTROL;
/* The link to `peer` sends with `index` now, or is gone (0): its sessions follow. */
void node_link_moved(struct node *node, const struct vd_peer_id *peer) ON_CONTROL;

/* captures.c: packets for who looks. */
void node_action_capture(void *node, const json_t *args, struct api_reply *reply) ON_CONTROL;
void node_take_captures(struct node *node) ON_CONTROL;
void node_tick_capture(struct node *node, vd_ns now) ON_CONTROL;

/* The largest switch payload of a path, by link and learnt route; 0: the link is gone. */
uint16_t node_path_payload(const struct node *node, const struct vd_peer_id *peer,
			   const struct route_path *path) ON_CONTROL;
/* Says that a path is no use, and counts it; `payload`: what it carries, 0: less than needed. */
void node_refuse_path(struct node *node, const struct vd_peer_id *peer,
		      uint16_t payload) ON_CONTROL;
/* A session's path as the data plane has it; link 0 when the link is gone. */
struct sw_path node_data_path(const struct node *node, const struct vd_peer_id *peer,
			      const struct route_path *path) ON_CONTROL;

/* session_paths.c: which path each session uses. A handshake was done over `path`. */
void node_use_path(struct node *node, const struct vd_peer_id *peer,
		   const struct peering_path *path, vd_ns now) ON_CONTROL;
/* Another way to a session peer: kept as a fallback. */
void node_add_path(struct node *node, const struct vd_peer_id *peer, const struct route_path *route,
		   vd_ns now) ON_CONTROL;
/* The path in use is void, or likely so: all are tried at once. */
void node_doubt_path(struct node *node, const struct vd_peer_id *peer, vd_ns now) ON_CONTROL;
/* Fallbacks over a link that is gone (direct_too), or whose router forgot its routes. */
void node_forget_paths(struct node *node, uint64_t link, bool direct_too) ON_CONTROL;
/* Sessions by routes of this link move to another path, as soon as one answers; or may stay. */
void node_leave_link(struct node *node, uint64_t link, vd_ns now) ON_CONTROL;
/* Whether a session goes by a route over `link` that has anywhere else to go. */
bool node_leaves(const struct node *node, uint64_t link) ON_CONTROL;
void node_stay(struct node *node, uint64_t link) ON_CONTROL;
/* A challenge or an answer. */
void node_on_session_control(struct node *node, const struct peering_event *event,
			     vd_ns now) ON_CONTROL;
/* False when nothing was due. */
bool node_pump_paths(struct node *node, vd_ns now) ON_CONTROL;
/* Every 250 ms: who sends and is not answered. */
void node_look_at_sessions(struct node *node, vd_ns now) ON_CONTROL;

/* resolve.c: the file of names; none is none. VD_EUSER and why: file, line, cure. */
enum vd_err node_read_names(const struct vd_config *config, struct names *names_out,
			    char why[NODE_WHY]);

/* drain.c: going away without a loss; and routers that do. */
void node_drain_and_stop(struct node *node) ON_CONTROL;
void node_pump_drain(struct node *node, vd_ns now) ON_CONTROL;
vd_ns node_drain_deadline(const struct node *node);
void node_drain_link_up(struct node *node, const struct vd_peer_id *peer, vd_ns now) ON_CONTROL;
void node_on_draining(struct node *node, const struct vd_peer_id *peer,
		      const struct control_msg *msg, vd_ns now) ON_CONTROL;
/* Whether the link is to a router that drains. */
bool node_drains(const struct node *node, uint64_t link) ON_CONTROL;
/* A session does not go over link `from` any more: a router there that drains may have to be told.
 */
void node_drain_moved(struct node *node, uint64_t from, vd_ns now) ON_CONTROL;

/* link_exchange.c: link addresses by libp2p. */
enum vd_err node_open_link_exchange(struct node *node, char why[NODE_WHY]) ON_CONTROL;
void node_close_link_exchange(struct node *node);
/* Looks whether what peers are told changed. */
void node_tell_links(struct node *node, vd_ns now) ON_CONTROL;
/* Whether the peer told link addresses. */
bool node_link_is_told(const struct node *node, const struct vd_peer_id *peer);
/* Dials a link to the connect's peer, whose row is free or told; false: no room. */
bool node_link_by_told(struct node *node, struct node_connect *connect, vd_ns now) ON_CONTROL;
/* The next of its addresses, if it is time. */
void node_link_by_next(struct node *node, struct node_connect *connect, vd_ns now) ON_CONTROL;
/* A told router's address does not answer: the next one, unless a connect tries them. */
void node_link_told_silent(struct node *node, struct node_router *router) ON_CONTROL;
void node_link_exchange_metrics(const struct node *node, struct metrics *m) ON_CONTROL;

/* traces.c: viaduct ping --path. */
void node_pump_trace(struct node *node, vd_ns now) ON_CONTROL;
vd_ns node_trace_deadline(const struct node *node);
/* False: not of these pings. */
bool node_on_trace_pong(struct node *node, const struct peering_event *event, vd_ns now) ON_CONTROL;

/* path_ranks.c: sessions use the best of their paths. Every 250 ms. */
void node_rank_paths(struct node *node, vd_ns now) ON_CONTROL;
/* A ping with `id` over `path`; its answer is a PROBED. False: it cannot be. */
bool node_ping_path(struct node *node, const struct route_session *session,
		    const struct peering_path *path, uint64_t id) ON_CONTROL;
/* False: not of these pings. */
bool node_on_rank_pong(struct node *node, const struct peering_event *event, vd_ns now) ON_CONTROL;
/* networks.c: the key of a private network, from its file. VD_EUSER with `why`. */
enum vd_err node_read_network_key(const struct vd_config_network *network, struct pnet_key *key_out,
				  char why[NODE_WHY]) ON_CONTROL;

/* libp2p.c: the libp2p swarms, one for each network that this node is in. */
enum vd_err node_open_hosts(struct node *node, char why[NODE_WHY]) ON_CONTROL;
void node_close_hosts(struct node *node) ON_CONTROL;
void node_host_reload(struct node *node) ON_CONTROL;
/* Of all of them. */
enum { NODE_LISTENS_MAX = NODE_SWARMS * HOST_LISTEN_MAX };
size_t node_host_listens(const struct node *node,
			 struct vd_multiaddr out[NODE_LISTENS_MAX]) ON_CONTROL;
void node_host_metrics(const struct node *node, struct metrics *m) ON_CONTROL;
/* Before the daemon becomes that user, who is to dial from where these listen. VD_ESYS. */
enum vd_err node_give_listeners(struct node *node, unsigned user) ON_CONTROL;

/* dials.c: a network's dialer, once it has its swarm and its book of peers. */
enum vd_err node_open_dialer(struct node *node, size_t network, char why[NODE_WHY]) ON_CONTROL;
/* Of all networks; who waits for a connection is told. */
void node_close_dialers(struct node *node) ON_CONTROL;
/* Where others reach our hosts: as node_host_listens, wildcards expanded. */
size_t node_host_addresses(const struct node *node,
			   struct vd_multiaddr out[LISTEN_EXPAND_MAX]) ON_CONTROL;
void node_dial_metrics(const struct node *node, struct metrics *m) ON_CONTROL;

/* limits_metrics.c: what libp2p hosts may hold, as go-libp2p's resource manager tells it. */
void node_limits_metrics(const struct host_limits *limits, struct metrics *m) ON_CONTROL;
/* known.c: what the swarms learn of peers, and tell of this node. */
enum vd_err node_open_known(struct node *node, char why[NODE_WHY]) ON_CONTROL;
void node_close_known(struct node *node) ON_CONTROL; /* after the hosts */
void node_known_tick(struct node *node, vd_ns now) ON_CONTROL;
void node_known_reload(struct node *node) ON_CONTROL;
void node_known_metrics(const struct node *node, struct metrics *m) ON_CONTROL;

/* status.c: the API's data. */
uint64_t node_switched(const struct node *node); /* frames, by all workers */
extern const struct api_source node_api_source;

/* pings.c */
void node_action_ping(void *node, const char *target, struct api_reply *reply) ON_CONTROL;
void node_pong(struct node *node, const struct vd_peer_id *peer, bool session,
	       vd_ns rtt) ON_CONTROL;
void node_expire_pings(struct node *node, vd_ns now) ON_CONTROL;
