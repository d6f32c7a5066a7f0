/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * config: what the operator wants, read from one YAML file and the environment.
 *
 * One table of keys (keys.c: path, type, range, default, reloadable, help) parses,
 * documents (docs/configuration.md) and names the VIADUCT_… variable of each key.
 * A variable's value is YAML; a list may also be written with commas.
 *
 *	struct config config;
 *	struct config_error error;
 *	config_default(&config);            // or config_dev
 *	if (config_read(path, &config, &error))
 *		fprintf(stderr, "viaductd: %s\n", error.text);
 *	…
 *	config_fini(&config);
 *
 * Precedence: environment, file, then what config held before.
 *
 * Threads: no shared state. Memory: lists of peers are allocated, and fini frees
 * them; everything else is inline, within the limits below.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"
#include "base/log.h"
#include "controlplane/daemon/tiers.h"
#include "dataplane/dataplane.h"

enum {
	CONFIG_BYTES_MAX = 8 << 20, /* of the file */
	CONFIG_PATH = 1024,         /* room for a path and its NUL */
	CONFIG_DNS = 256,
	CONFIG_SOCKET = 104, /* room for a unix socket's path (sun_path has 108) */
	CONFIG_NAME = 32,    /* of a tier */
	CONFIG_LEVELS = 128,
	CONFIG_LISTEN_MAX = 16,
	CONFIG_ADDRS_MAX = 32, /* of any list of addresses */
	CONFIG_ROUTERS_MAX = 16,
	CONFIG_TIERS_MAX = 64,
	CONFIG_NETWORKS_MAX = 8,    /* private ones */
	CONFIG_PEERS_MAX = 1 << 16, /* of one list */
	CONFIG_KEY = 64,
	CONFIG_ERROR = 512,
};

struct config_addresses {
	struct vd_multiaddr at[CONFIG_ADDRS_MAX];
	uint32_t count;
};
static_assert((int)CONFIG_ROUTERS_MAX <= (int)CONFIG_ADDRS_MAX &&
		  (int)CONFIG_LISTEN_MAX <= (int)CONFIG_ADDRS_MAX,
	      "one list type serves all");

struct tier {
	char name[CONFIG_NAME];
	struct tier_peer_list peers; /* tiers.h tells how these three count */
	struct tier_cidr_list cidrs; /* of the underlay address */
	struct tier_token_list tokens;
	uint32_t realms; /* bit n: realm n */
	bool call;       /* may_call in the tier's realms */
	bool reserve;    /* may reserve: be called in the tier's realms */
	uint64_t pps;    /* frames a second, 0: unlimited */
	uint64_t bps;    /* bits of UDP payload a second, 0: unlimited */
};

enum config_idle { CONFIG_IDLE_ADAPTIVE, CONFIG_IDLE_POLL };
enum config_huge { CONFIG_HUGE_AUTO, CONFIG_HUGE_ON, CONFIG_HUGE_OFF };

struct config_dataplane {
	uint32_t workers;
	uint32_t idle;      /* enum config_idle */
	uint32_t huge;      /* enum config_huge */
	uint32_t memory_mb; /* without huge pages; 0: what the pools need */
	char xdp_program[CONFIG_PATH];
	struct dp_port_config ports[DP_PORTS_MAX]; /* bind: dpdk: ip zero */
	uint32_t port_count;
};

struct config_link {
	struct config_addresses listen;  /* announced: /ip…/udp/… */
	uint32_t width;                  /* 0: does not switch; else 4 to 24 */
	struct config_addresses routers; /* with /p2p */
	bool reserve;                    /* at our routers */
	uint32_t links_max;              /* slots of the link table; a peer takes up to 4 */
	uint32_t rekey_s;
	char state[CONFIG_PATH]; /* file; empty: nothing is remembered */
	char token[CONFIG_PATH]; /* file, shown to our routers; empty: none */
	uint32_t delivery_pps;   /* to this node itself, each link; 0: unlimited */
	struct tier tiers[CONFIG_TIERS_MAX];
	uint32_t tier_count;
};

/* What of the overlay packets' DSCP shows outside (RFC 2983: uniform model, pipe model). */
enum config_traffic_class { CONFIG_DSCP_COPY, CONFIG_DSCP_HIDE };

struct config_tun {
	bool enabled; /* this node is an edge: the section is there */
	char name[DP_NAME];
	uint32_t mtu;           /* 0: auto */
	uint32_t traffic_class; /* enum config_traffic_class */
};

struct config_session {
	struct tier_peer_list allow;
	struct tier_peer_list connect; /* kept up; implies allow */
	uint32_t sessions_max;         /* slots of the session table; a peer takes up to 4 */
	uint32_t rekey_s;
	uint16_t prefix; /* first 16 bits of overlay addresses: 0xfd76 */
};

/* A private network: no node without its key is in it. */
struct config_network {
	char name[CONFIG_NAME];
	char key[CONFIG_PATH];                                        /* file */
	struct config_addresses listen;                               /* TCP; none: only dials */
	struct config_addresses announce, announce_also, no_announce; /* as the host's, here */
	char state[CONFIG_PATH]; /* file of known peers; empty: memory alone */
};

struct config_host {
	struct config_addresses listen;        /* TCP; none: not in the public network */
	char dns[CONFIG_DNS];                  /* servers, a server_list; "": the system's */
	struct config_addresses announce;      /* these, and not what we listen on */
	struct config_addresses announce_also; /* these, too */
	struct config_addresses no_announce;   /* addresses, and networks with /ipcidr */
	char state[CONFIG_PATH];               /* file of known peers; empty: memory alone */
	bool perf;                             /* answer /perf/1.0.0 */
	uint32_t threads;
	struct config_network networks[CONFIG_NETWORKS_MAX];
	uint32_t network_count;
	/* limits of all networks together (host/limits.h) */
	uint32_t connections_max, negotiating_max, prefix_connections_max;
	uint32_t peer_streams_max, protocol_streams_max, buffered_mb;
};

struct config_api {
	char socket[CONFIG_SOCKET];
	struct vd_udp_addr listen; /* TCP for HTTP; only if listen_on */
	bool listen_on;
};

struct config_log {
	char level[CONFIG_LEVELS]; /* for vd_log_set_levels; checked */
	uint32_t format;           /* enum vd_log_format */
};

struct config {
	bool dev;               /* config_dev made it: the identity is not stored */
	char user[CONFIG_NAME]; /* whom root becomes; or `auto` */
	char key[CONFIG_PATH];  /* identity.key; unused where dev and empty */
	struct config_dataplane dataplane;
	struct config_link link;
	struct config_tun tun;
	struct config_session session;
	char names[CONFIG_PATH]; /* file; empty: none */
	struct config_host host;
	struct config_api api;
	struct config_log log;
};

/* For people: "file:line: key: what is wrong; cure". */
struct config_error {
	unsigned line; /* 0: not in a file */
	char key[CONFIG_KEY];
	char text[CONFIG_ERROR];
};

/* The defaults of the table of keys. */
void config_default(struct config *config);

/*
 * --dev: no root, no huge pages. Defaults, but: one port of UDP sockets on a free UDP port,
 * identity thrown away, API socket at $XDG_RUNTIME_DIR/viaduct/api.sock or
 * /tmp/viaduct-<uid>/api.sock. The directory, ours with mode 0700, is made here if need
 * be: VD_ESYS with `error` filled.
 */
enum vd_err config_dev(struct config *config, struct config_error *error);
/* The same without the directory: for SIGHUP, when it is there. */
void config_default_dev(struct config *config);

/* Frees what the lists hold. */
void config_fini(struct config *config);

/*
 * Reads `path` (NULL: no file) and the environment over `config`, then checks it.
 * VD_EUSER, VD_ENOMEM, VD_ESYS (the file cannot be read): `error` is filled, and
 * config holds part of what was read: only fini it.
 */
enum vd_err config_read(const char *path, struct config *config, struct config_error *error);

/* Parts of the above. `name` stands for the file in errors; `variables` is as environ(7). */
enum vd_err config_read_file(const char *path, struct config *config, struct config_error *error);
enum vd_err config_parse(struct vd_bytes text, const char *name, struct config *config,
			 struct config_error *error);
enum vd_err config_environment(char *const *variables, struct config *config,
			       struct config_error *error);

/* What no single key shows. VD_EUSER; error->line is 0. */
enum vd_err config_check(const struct config *config, struct config_error *error);

/*
 * How many files (RLIMIT_NOFILE) may be open at once: host.connections_max and what else there is,
 * rather too many than too few. And whether a process that may open `files` can do that; VD_EUSER
 * names host.connections_max and the cure. A node without libp2p networks is not held to it.
 */
uint64_t config_files(const struct config *config);
enum vd_err config_check_files(const struct config *config, const char *name, uint64_t files,
			       struct config_error *error);

/*
 * For SIGHUP: the first key, as of the table, that differs and is read only at start, or NULL
 * when `next` can take effect now. Static storage.
 */
const char *config_needs_restart(const struct config *running, const struct config *next);

/* Writes docs/configuration.md. */
void config_reference(FILE *out);

bool tier_has(const struct tier *tier, const struct tier_claim *claim);

/* The first tier that has the claim, or NULL: refused. */
const struct tier *config_tier_of(const struct config *config, const struct tier_claim *claim);
