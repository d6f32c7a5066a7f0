/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/keys.h"

#include <ctype.h>
#include <string.h>

#include "switch/label.h"
#include "switch/plane.h"

#define AT(field)         .offset = (uint32_t)offsetof(struct config, field)
#define EXTRA(field)      .extra = (uint32_t)offsetof(struct config, field)
#define IN_PORT(field)    .offset = (uint32_t)offsetof(struct dp_port_config, field)
#define IN_TIER(field)    .offset = (uint32_t)offsetof(struct tier, field)
#define IN_NETWORK(field) .offset = (uint32_t)offsetof(struct config_network, field)
#define ROOM_OF(s, f)     .room = (uint32_t)sizeof(((s *)0)->f)
#define SECTION(p, ...)                                                                            \
	{                                                                                          \
		.path = (p), .type = KEY_SECTION, __VA_ARGS__                                      \
	}

static const char *const idle_names[] = { "adaptive", "poll", NULL };
static const char *const huge_names[] = { "auto", "on", "off", NULL };
static const char *const driver_names[] = { "dpdk", "udp", NULL };
static const char *const class_names[] = { "copy", "zero", NULL };
static const char *const format_names[] = { "text", "json", NULL };

static_assert(CONFIG_IDLE_POLL == 1 && CONFIG_HUGE_OFF == 2 && DP_DRIVER_DPDK == 0 &&
		  DP_DRIVER_UDP == 1 && CONFIG_DSCP_HIDE == 1 && VD_LOG_JSON == 1,
	      "the names above are in the order of their enums");
static_assert(sizeof(enum dp_driver) == sizeof(uint32_t), "KEY_NAMES writes a uint32_t");

/* Parents before their children: the reference is written in this order. */
const struct config_key config_keys[] = {
	{ "user", KEY_TEXT, AT(user), ROOM_OF(struct config, user), .min = 1, .fallback = "auto",
	  .help =
	      "System user that viaductd becomes when it was started as root and has opened "
	      "what needs that. `auto`: `viaduct` if there is such a user, else it stays "
	      "root and warns. `root`: stays root. Of capabilities it keeps NET_ADMIN, and that "
	      "only for a TUN or DPDK ports." },

	SECTION("identity", .extra = KEY_NONE, .help = "Who this node is."),
	{ "identity.key", KEY_TEXT, AT(key), ROOM_OF(struct config, key),
	  .fallback = "/var/lib/viaduct/key",
	  .help = "File of the libp2p private key (`viaduct key gen`), readable by its owner only. "
		  "With `--dev` and no file named here, a new identity is drawn at each start." },

	SECTION("dataplane", .extra = KEY_NONE,
		.help = "Threads and ports that packets pass through."),
	{ "dataplane.workers", KEY_U32, AT(dataplane.workers), .min = 1, .max = SW_WORKERS_MAX,
	  .fallback = "1",
	  .help = "Worker threads, a CPU core each; every port gets a queue for each." },
	{ "dataplane.idle", KEY_NAMES, AT(dataplane.idle), .names = idle_names,
	  .fallback = "adaptive",
	  .help = "`adaptive` sleeps when nothing arrives; `poll` never does, for the lowest "
		  "latency at a whole core each." },
	{ "dataplane.huge", KEY_NAMES, AT(dataplane.huge), .names = huge_names, .fallback = "auto",
	  .help = "Huge pages: `auto` takes them if the machine has free ones, `on` insists." },
	{ "dataplane.memory_mb", KEY_U32, AT(dataplane.memory_mb), .min = 0, .max = 1 << 20,
	  .fallback = "0",
	  .help = "Packet memory in MiB where no huge pages are used; 0: as much as the pools "
		  "need." },
	{ "dataplane.xdp_program", KEY_TEXT, AT(dataplane.xdp_program),
	  ROOM_OF(struct config, dataplane.xdp_program), .fallback = "",
	  .help = "XDP object that af_xdp ports load; empty: the installed one." },
	{ "dataplane.ports", KEY_MAPS, AT(dataplane.ports), .room = sizeof(struct dp_port_config),
	  EXTRA(dataplane.port_count), .max = DP_PORTS_MAX, .fallback = "[]",
	  .help = "What datagrams arrive at and leave by. At least one." },
	{ "dataplane.ports[].name", KEY_TEXT, IN_PORT(name), ROOM_OF(struct dp_port_config, name),
	  .min = 1, .help = "A name of your choice, unique, for logs and metrics." },
	{ "dataplane.ports[].driver", KEY_NAMES, IN_PORT(driver), .names = driver_names,
	  .help = "`dpdk`: any DPDK ethdev, by `devargs`; `udp`: plain UDP sockets, no root "
		  "needed." },
	{ "dataplane.ports[].devargs", KEY_TEXT, IN_PORT(devargs),
	  ROOM_OF(struct dp_port_config, devargs), .fallback = "",
	  .help = "`dpdk` only: the device, as `net_af_xdp0,iface=eth0` or a PCI address." },
	{ "dataplane.ports[].bind", KEY_UDP, IN_PORT(bind), .extra = KEY_NONE,
	  .fallback = "0.0.0.0:4001",
	  .help =
	      "`udp`: address and UDP port of the sockets, port 0: a free one; `[::]:4001` takes "
	      "IPv4 too. `dpdk`: only the port counts, the addresses are the interface's." },

	SECTION("link", .extra = KEY_NONE,
		.help = "Links to neighbours: routers, and those we are a router for."),
	{ "link.listen", KEY_LISTEN, AT(link.listen), .max = CONFIG_LISTEN_MAX, .fallback = "[]",
	  .help = "Addresses announced to others, `/ip4/192.0.2.1/udp/4001`. What is bound is "
		  "`dataplane.ports[].bind`; behind a port forwarding the two differ." },
	{ "link.width", KEY_WIDTH, AT(link.width), .min = SW_WIDTH_MIN, .max = SW_WIDTH_MAX,
	  .fallback = "16",
	  .help = "Bits of a director, so 2^width - 1 links at most; a route is at most 60 bits. "
		  "0: this node does not switch." },
	{ "link.routers", KEY_ROUTERS, AT(link.routers), .max = CONFIG_ROUTERS_MAX,
	  .fallback = "[]", .reload = true,
	  .help = "Routers to keep a link to, `/ip4/192.0.2.1/udp/4001/viaduct/p2p/12D3…`." },
	{ "link.reserve", KEY_BOOL, AT(link.reserve), .fallback = "true",
	  .help = "Reserve at our routers, so that others can reach us through them." },
	{ "link.links_max", KEY_U32, AT(link.links_max), .min = 16, .max = 1 << SW_SLOT_BITS,
	  .fallback = "16384",
	  .help = "Slots of the link table, 480 bytes each; a peer takes up to 4 while its keys "
		  "are replaced. Handshakes have 1,280 more." },
	{ "link.rekey_s", KEY_U32, AT(link.rekey_s), .min = 1, .max = 3600, .fallback = "3600",
	  .help = "How long the keys of a link are used, a quarter more or less. New ones cost a "
		  "handshake; below 10 the old ones receive for less than 30 s more." },
	{ "link.state", KEY_TEXT, AT(link.state), ROOM_OF(struct config, link.state),
	  .fallback = "",
	  .help = "File in which a router remembers the addresses of peers with reservations, to "
		  "open links to them when it starts, `/var/lib/viaduct/state`; empty: none." },
	{ "link.delivery_pps", KEY_U32, AT(link.delivery_pps), .min = 0, .max = 100000000,
	  .fallback = "10000",
	  .help = "Frames a second to this node itself, for each link; those of live sessions do "
		  "not count. 0: unlimited." },
	{ "link.token", KEY_TEXT, AT(link.token), ROOM_OF(struct config, link.token),
	  .fallback = "", .reload = true,
	  .help = "File with the token (`viaduct token gen`) that our routers are shown, each of "
		  "them, encrypted; readable by its owner only. Empty: none." },
	{ "link.tiers", KEY_MAPS, AT(link.tiers), .room = sizeof(struct tier),
	  EXTRA(link.tier_count), .max = CONFIG_TIERS_MAX, .fallback = "[]", .reload = true,
	  .help = "Who may have a link with this router, and what it may do. The first tier that "
		  "has the peer counts; no tier: refused." },
	{ "link.tiers[].name", KEY_TEXT, IN_TIER(name), ROOM_OF(struct tier, name), .min = 1,
	  .reload = true, .help = "A name of your choice, unique." },
	{ "link.tiers[].peers", KEY_PEERS, IN_TIER(peers), .min = 1, .max = CONFIG_PEERS_MAX,
	  .fallback = "[]", .reload = true,
	  .help = "Peer ids, or `any`. Of `peers`, `cidrs` and `tokens` a tier has one or more; a "
		  "peer is in it if all that are there hold." },
	{ "link.tiers[].cidrs", KEY_CIDRS, IN_TIER(cidrs), .max = CONFIG_CIDRS_MAX,
	  .fallback = "[]", .reload = true,
	  .help = "Networks, `198.18.0.0/16` or `\"fd00::/8\"`, that the peer's UDP address is in; "
		  "looked at again when it moves." },
	{ "link.tiers[].tokens", KEY_TOKENS, IN_TIER(tokens), .max = CONFIG_TOKENS_MAX,
	  .fallback = "[]", .reload = true,
	  .help = "Hashes of tokens, `sha256:` and 64 hex digits as `viaduct token hash` writes "
		  "them, or paths of files with one a line; the peer's `link.token` is one." },
	{ "link.tiers[].realms", KEY_REALMS, IN_TIER(realms), .fallback = "[]", .reload = true,
	  .help = "Realms (0 to 31) the tier is in: two peers can talk if one may call and the "
		  "other may be called in a common realm." },
	{ "link.tiers[].call", KEY_BOOL, IN_TIER(call), .fallback = "false", .reload = true,
	  .help = "May call: send to those who reserved." },
	{ "link.tiers[].reserve", KEY_BOOL, IN_TIER(reserve), .fallback = "false", .reload = true,
	  .help = "May reserve: be called." },
	{ "link.tiers[].pps", KEY_U64, IN_TIER(pps), .max = UINT64_C(1000000000), .fallback = "0",
	  .reload = true, .help = "Frames a second, each way and link; 0: unlimited." },
	{ "link.tiers[].bps", KEY_U64, IN_TIER(bps), .max = UINT64_C(1000000000000),
	  .fallback = "0", .reload = true,
	  .help = "Bits of UDP payload a second, each way and link; 0: unlimited." },

	SECTION("tun", EXTRA(tun.enabled),
		.help = "The TUN device of an edge. Without this section the node is no edge; "
			"`tun: {}` takes the defaults."),
	{ "tun.name", KEY_TEXT, AT(tun.name), .room = 16, .min = 1, .fallback = "viaduct0",
	  .help = "Name of the device." },
	{ "tun.mtu", KEY_MTU, AT(tun.mtu), .min = 1280, .max = 9000, .fallback = "auto",
	  .help =
	      "`auto` begins at 1280 and becomes the least of what the live sessions' paths carry; "
	      "docs/mtu.md tells how." },
	{ "tun.traffic_class", KEY_NAMES, AT(tun.traffic_class), .names = class_names,
	  .fallback = "copy",
	  .help = "`copy`: networks on the way see the DSCP of the packets inside, and may treat "
		  "them by it; `zero`: they see none, so they cannot tell voice from backup. The "
		  "packet inside keeps its own; ECN passes either way (RFC 6040)." },

	SECTION("session", .extra = KEY_NONE,
		.help = "End-to-end sessions of this node. Default: with nobody."),
	{ "session.allow", KEY_PEERS, AT(session.allow), .max = CONFIG_PEERS_MAX, .fallback = "[]",
	  .reload = true, .help = "Peer ids that may open a session to us." },
	{ "session.connect", KEY_PEERS, AT(session.connect), .max = CONFIG_PEERS_MAX,
	  .fallback = "[]", .reload = true,
	  .help = "Peer ids we keep a session to; they are allowed, too." },
	{ "session.sessions_max", KEY_U32, AT(session.sessions_max), .min = 4, .max = 1 << 20,
	  .fallback = "1024",
	  .help = "Slots of the session table; a peer takes up to 4 while its keys are replaced." },
	{ "session.rekey_s", KEY_U32, AT(session.rekey_s), .min = 1, .max = 120, .fallback = "120",
	  .help = "How long the keys of a session with traffic are used; else as link.rekey_s." },
	{ "session.prefix", KEY_PREFIX, AT(session.prefix), .fallback = "fd76::/16",
	  .help = "Prefix of overlay addresses, the same on all nodes of an overlay." },

	SECTION("names", .extra = KEY_NONE, .help = "What peers are called."),
	{ "names.file", KEY_TEXT, AT(names), ROOM_OF(struct config, names), .fallback = "",
	  .reload = true,
	  .help = "File like /etc/hosts: an overlay address or a peer id, then its names; commands "
		  "take and show them. Read again at each reload. Empty: none." },

	SECTION("host", .extra = KEY_NONE,
		.help = "The libp2p host: TCP, Noise and TLS, Yamux; identify and ping."),
	{ "host.listen", KEY_ADDRS, AT(host.listen), .max = CONFIG_LISTEN_MAX, .fallback = "[]",
	  .help =
	      "Addresses for libp2p connections, as /ip4/0.0.0.0/tcp/4001. Empty: this node is not "
	      "in the public network, and dials nobody there." },
	{ "host.dns", KEY_TEXT, AT(host.dns), ROOM_OF(struct config, host.dns), .fallback = "",
	  .help = "DNS servers for names in addresses (/dns4, /dns6, /dns, /dnsaddr), as "
		  "`192.0.2.1,192.0.2.2:5353,[2001:db8::1]:53`. Empty: the system's, as they were "
		  "at start." },
	{ "host.announce", KEY_ADDRS, AT(host.announce), .max = CONFIG_ADDRS_MAX, .fallback = "[]",
	  .reload = true,
	  .help =
	      "Addresses told to others in place of those listened on and those that others see "
	      "us by, as /dns4/router.example.org/tcp/4001. Empty: these." },
	{ "host.announce_also", KEY_ADDRS, AT(host.announce_also), .max = CONFIG_ADDRS_MAX,
	  .fallback = "[]", .reload = true,
	  .help = "Addresses told to others besides, as those of a port forwarding." },
	{ "host.no_announce", KEY_FILTERS, AT(host.no_announce), .max = CONFIG_ADDRS_MAX,
	  .fallback = "[]", .reload = true,
	  .help =
	      "Addresses never told to others: networks, `10.0.0.0/8` or `\"fd00::/8\"`, or whole "
	      "multiaddrs." },
	{ "host.state", KEY_TEXT, AT(host.state), ROOM_OF(struct config, host.state),
	  .fallback = "",
	  .help = "File in which the host remembers the peers that it knows, "
		  "`/var/lib/viaduct/peers`; empty: they are forgotten at each restart." },
	{ "host.perf", KEY_BOOL, AT(host.perf), .fallback = "false", .reload = true,
	  .help = "Answer /perf/1.0.0: whoever asks is sent as much as they want. When it is "
		  "turned off, transfers under way go on." },
	{ "host.threads", KEY_U32, AT(host.threads), .min = 0, .max = 64, .fallback = "0",
	  .help = "Threads that own libp2p connections, for each network; 0: the control thread "
		  "does." },
	{ "host.connections_max", KEY_U32, AT(host.connections_max), .min = 16, .max = 1 << 20,
	  .fallback = "16384",
	  .help =
	      "libp2p connections, both ways, of all networks; the last quarter is for those "
	      "that we dial. Each is an open file: at start "
	      "the soft limit (`ulimit -n`) is raised to the hard one if that is needed, and it "
	      "is an error if they do not fit (LimitNOFILE= of the unit)." },
	{ "host.negotiating_max", KEY_U32, AT(host.negotiating_max), .min = 1, .max = 1 << 20,
	  .fallback = "2048",
	  .help = "Of those, how many may still be agreeing on encryption and streams, for which "
		  "they have 15 s; the last quarter is for those that we dial." },
	{ "host.prefix_connections_max", KEY_U32, AT(host.prefix_connections_max), .min = 1,
	  .max = 1 << 20, .fallback = "8",
	  .help = "Connections from one IPv4 address or IPv6 /56, and eight times as many from a "
		  "/48; loopback is exempt. Raise it where many peers come through one NAT." },
	{ "host.peer_streams_max", KEY_U32, AT(host.peer_streams_max), .min = 8, .max = 1 << 20,
	  .fallback = "1024", .help = "Streams that one peer may have open with us." },
	{ "host.protocol_streams_max", KEY_U32, AT(host.protocol_streams_max), .min = 8,
	  .max = 1 << 24, .fallback = "16384",
	  .help = "Streams of one protocol that all peers together may have open with us." },
	{ "host.buffered_mb", KEY_U32, AT(host.buffered_mb), .min = 1, .max = 1 << 20,
	  .fallback = "512",
	  .help = "MiB that wait in all connections: unread, unsent, or not whole yet. Above it a "
		  "connection that adds to it, and holds more than its share, is closed; a "
		  "quarter above, also one through which it flows." },
	{ "host.networks", KEY_MAPS, AT(host.networks), .room = sizeof(struct config_network),
	  EXTRA(host.network_count), .max = CONFIG_NETWORKS_MAX, .fallback = "[]",
	  .help =
	      "Private networks (libp2p's pre-shared keys, as a kubo swarm.key or an ipfs-cluster "
	      "secret): besides the public one, and apart from it. `viaduct connect --network "
	      "NAME` dials in one." },
	{ "host.networks[].name", KEY_TEXT, IN_NETWORK(name), ROOM_OF(struct config_network, name),
	  .min = 1, .help = "A name of your choice, unique, for commands and logs." },
	{ "host.networks[].key", KEY_TEXT, IN_NETWORK(key), ROOM_OF(struct config_network, key),
	  .min = 1,
	  .help = "File with the key: the line `/key/swarm/psk/1.0.0/`, a line `/base16/`, "
		  "`/base64/` or `/bin/`, and 32 bytes so written; readable by its owner only." },
	{ "host.networks[].listen", KEY_ADDRS, IN_NETWORK(listen), .max = CONFIG_LISTEN_MAX,
	  .fallback = "[]",
	  .help = "Addresses for connections of this network, as /ip4/0.0.0.0/tcp/9096. Empty: it "
		  "only dials." },
	{ "host.networks[].announce", KEY_ADDRS, IN_NETWORK(announce), .max = CONFIG_ADDRS_MAX,
	  .fallback = "[]", .reload = true,
	  .help = "As host.announce, in this network; so the next two." },
	{ "host.networks[].announce_also", KEY_ADDRS, IN_NETWORK(announce_also),
	  .max = CONFIG_ADDRS_MAX, .fallback = "[]", .reload = true,
	  .help = "Addresses told to others in this network besides." },
	{ "host.networks[].no_announce", KEY_FILTERS, IN_NETWORK(no_announce),
	  .max = CONFIG_ADDRS_MAX, .fallback = "[]", .reload = true,
	  .help = "Addresses never told to others in this network." },
	{ "host.networks[].state", KEY_TEXT, IN_NETWORK(state),
	  ROOM_OF(struct config_network, state), .fallback = "",
	  .help = "File in which the peers of this network are remembered, of no other network, "
		  "`/var/lib/viaduct/peers-NAME`; empty: they are forgotten at each restart." },

	SECTION("api", .extra = KEY_NONE, .help = "How the daemon is asked and watched."),
	{ "api.socket", KEY_TEXT, AT(api.socket), ROOM_OF(struct config, api.socket),
	  .fallback = "/run/viaduct/api.sock",
	  .help = "Unix socket for `viaduct`, mode 0660; empty: none." },
	{ "api.listen", KEY_UDP, AT(api.listen), EXTRA(api.listen_on), .fallback = "",
	  .help = "TCP address for `/metrics`, `/healthz`, `/readyz`, `127.0.0.1:9600`; no "
		  "authentication, so keep it local. Empty: none." },

	SECTION("log", .extra = KEY_NONE, .help = "Lines on stderr."),
	{ "log.level", KEY_LEVELS, AT(log.level), ROOM_OF(struct config, log.level),
	  .fallback = "info", .reload = true,
	  .help = "`error`, `warn`, `info` or `debug`, then exceptions: `info,link=debug`." },
	{ "log.format", KEY_NAMES, AT(log.format), .names = format_names, .fallback = "text",
	  .reload = true, .help = "`json` writes one object a line." },
};
const size_t config_key_count = sizeof config_keys / sizeof config_keys[0];
static_assert(sizeof config_keys / sizeof config_keys[0] <= KEY_ROWS_MAX);

const struct config_key *config_key_find(const char *path)
{
	char plain[CONFIG_KEY];
	size_t n = 0;
	bool inside = false;

	for (const char *p = path; *p; p++) {
		if (n + 1 == sizeof plain)
			return NULL;
		inside = *p == '[' || (inside && *p != ']');
		if (!inside || *p == '[')
			plain[n++] = *p;
	}
	plain[n] = 0;
	for (size_t i = 0; i < config_key_count; i++)
		if (strcmp(config_keys[i].path, plain) == 0)
			return &config_keys[i];
	return NULL;
}

const char *config_key_name(const struct config_key *key)
{
	const char *dot = strrchr(key->path, '.');

	return dot ? dot + 1 : key->path;
}

bool config_key_is_child(const struct config_key *key, const char *parent)
{
	size_t len = strlen(parent);

	if (len == 0)
		return !strchr(key->path, '.');
	return strncmp(key->path, parent, len) == 0 && key->path[len] == '.' &&
	       config_key_name(key) == key->path + len + 1;
}

bool config_key_variable(const struct config_key *key, char out[CONFIG_KEY])
{
	static const char prefix[] = "VIADUCT_";
	size_t n = sizeof prefix - 1;

	if (strchr(key->path, '[') || (key->type == KEY_SECTION && key->extra == KEY_NONE))
		return false;
	memcpy(out, prefix, n);
	for (const char *p = key->path; *p && n + 1 < CONFIG_KEY; p++)
		out[n++] = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
	out[n] = 0;
	return true;
}

/* Edits (insert, delete, replace) from a to b, both under CONFIG_KEY characters. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[CONFIG_KEY + 1];
	size_t blen = strlen(b);

	for (unsigned j = 0; j <= blen; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		unsigned before = row[0]++;

		for (size_t j = 0; j < blen; j++) {
			unsigned best = before + (a[i] != b[j]);

			before = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (before + 1 < best)
				best = before + 1;
			row[j + 1] = best;
		}
	}
	return row[blen];
}

const char *config_key_nearest(const char *parent, const char *name)
{
	const char *nearest = NULL;
	unsigned least = 3; /* three edits apart is another word */

	if (strlen(name) >= CONFIG_KEY)
		return NULL;
	for (size_t i = 0; i < config_key_count; i++) {
		const char *known = config_key_name(&config_keys[i]);
		unsigned d;

		if (!config_key_is_child(&config_keys[i], parent))
			continue;
		d = distance(name, known);
		if (d < least && d < strlen(known)) {
			least = d;
			nearest = known;
		}
	}
	return nearest;
}
