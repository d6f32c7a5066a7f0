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
 * The struct is here; each file of this folder declares its functions, and its part of the
 * struct if it has one, in a header of its own.
 *
 * What is NULL tells what kind of node this is: `sessions`, `session_peering` and `learnt` are
 * there if there is a TUN, `store` and `accounts` if link.state names a file, a swarm and its
 * dialer if the node listens in that network.
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
#include "controlplane/daemon/captures.h"
#include "controlplane/daemon/config.h"
#include "controlplane/daemon/connects.h"
#include "controlplane/daemon/libp2p.h"
#include "controlplane/daemon/link_exchange.h"
#include "controlplane/daemon/names.h"
#include "controlplane/daemon/path_reports.h"
#include "controlplane/daemon/pings.h"
#include "controlplane/daemon/resume.h"
#include "controlplane/daemon/routers.h"
#include "controlplane/daemon/traces.h"
#include "controlplane/daemon/why.h"
#include "controlplane/loop/loop.h"
#include "controlplane/loop/netlink.h"
#include "controlplane/loop/netmap.h"
#include "controlplane/proto/draining.h"
#include "controlplane/proto/peering.h"
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

struct node {
	struct config config;
	const char *config_path; /* borrowed; NULL: none */
	char user[CONFIG_NAME];  /* whom root became; empty: nobody */
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
	struct node_libp2p libp2p;
	struct node_link_exchange link_exchange;
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
 * kept, for SIGHUP. On failure `why` says what and the cure, and only node_close is to be called.
 */
enum vd_err node_open(struct node *node, const struct config *config, const char *config_path,
		      char why[NODE_WHY]) ON_CONTROL;
/* Runs until SIGTERM or SIGINT, then drains. */
void node_run(struct node *node) ON_CONTROL;
void node_close(struct node *node) ON_CONTROL;

/* The line "ready peer=… listen=…" for stdout; `out` has `cap` bytes. */
void node_ready_line(const struct node *node, char *out, size_t cap) ON_CONTROL;

/* Drains all machines, then sets the timer. After every input. */
void node_pump(struct node *node) ON_CONTROL;
/* Only the machines, until all are quiet: between calls that make many events. */
void node_pump_events(struct node *node, vd_ns now) ON_CONTROL;
