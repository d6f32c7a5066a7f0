/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/daemon/actions.h"
#include "controlplane/daemon/dials.h"
#include "controlplane/daemon/node.h"
#include "controlplane/daemon/resolve.h"
#include "controlplane/daemon/why.h"
#include "controlplane/host/keeper.h"
#include "controlplane/host/listen_expand.h"
#include "controlplane/host/peer_store.h"
#include "controlplane/host/swarm.h"

enum { SWARMS = 1 + CONFIG_NETWORKS_MAX, KNOWN_SHOWN_MAX = 10000 };

/* ---- a swarm's events ---- */

ON_CONTROL static void on_opened(void *context, const struct swarm_conn *conn)
{
	const struct node_known_peers *known = context;

	keeper_opened(known->keeper, conn->id, &conn->info);
}

ON_CONTROL static void on_identified(void *context, const struct swarm_conn *conn,
				     struct vd_bytes told)
{
	const struct node_known_peers *known = context;

	keeper_identified(known->keeper, conn->id, &conn->info, told);
}

ON_CONTROL static void on_pinged(void *context, const struct swarm_conn *conn, vd_ns rtt)
{
	const struct node_known_peers *known = context;

	keeper_pinged(known->keeper, &conn->info, rtt);
}

ON_CONTROL static void on_closed(void *context, const struct swarm_conn *conn, enum vd_err err,
				 const char *why)
{
	const struct node_known_peers *known = context;

	(void)err;
	(void)why;
	keeper_closed(known->keeper, conn->id, &conn->info);
}

ON_CONTROL static enum vd_err watch(struct node_known_peers *known)
{
	const struct swarm_events events = { .opened = on_opened,
					     .identified = on_identified,
					     .pinged = on_pinged,
					     .closed = on_closed,
					     .context = known };

	return swarm_watch(known->swarm, &events);
}

/* ---- what this node tells ---- */

ON_CONTROL static size_t listens(void *context, struct vd_multiaddr *out, size_t max)
{
	const struct node_known_peers *known = context;
	struct vd_multiaddr bound[HOST_LISTEN_MAX];

	return listen_expand(bound, swarm_listens(known->swarm, bound), out, max);
}

struct to_tell {
	struct announced addresses;
	uint64_t seq;
};

static void tell_host(struct host *host, const void *argument)
{
	const struct to_tell *to_tell = argument;

	host_announce(host, to_tell->addresses.at, to_tell->addresses.count, to_tell->seq);
}

/* A thread that is too far behind to be told is told of the next change. */
ON_CONTROL static void tell(void *context, const struct announced *addresses, uint64_t seq)
{
	const struct node_known_peers *known = context;
	struct to_tell to_tell = { *addresses, seq };

	if (swarm_each_host(known->swarm, tell_host, &to_tell, sizeof to_tell))
		vd_log(VD_LOG_WARN, VD_SUB_HOST,
		       "peers are not told that addresses changed; a stream "
		       "thread is behind");
}

/* Each network has its own: nothing of one is told in another. */
ON_CONTROL static void set_rules(struct node *node, size_t i)
{
	const struct config_host *host = &node->config.host;
	const struct config_network *network = i ? &host->networks[i - 1] : NULL;
	const struct config_addresses *announce = i ? &network->announce : &host->announce;
	const struct config_addresses *also = i ? &network->announce_also : &host->announce_also;
	const struct config_addresses *filters = i ? &network->no_announce : &host->no_announce;
	const struct announce_rules rules = {
		.announce = announce->at,
		.announce_count = announce->count,
		.also = also->at,
		.also_count = also->count,
		.filters = filters->at,
		.filter_count = filters->count,
	};

	keeper_rules(node->libp2p.known[i].keeper, &rules);
}

void node_known_reload(struct node *node)
{
	for (size_t i = 0; i < SWARMS; i++)
		if (node->libp2p.known[i].keeper)
			set_rules(node, i);
}

/* ---- life ---- */

ON_CONTROL static void tell_store(const char *network, const struct peer_store *store)
{
	uint64_t peers = peer_store_counters(store)->rows_read;

	if (peers)
		vd_log(VD_LOG_INFO, VD_SUB_HOST, "peers known from before",
		       VD_STR("network", network), VD_U64("peers", peers));
}

ON_CONTROL static enum vd_err open_store(struct node *node, size_t i, char why[NODE_WHY])
{
	struct node_known_peers *known = &node->libp2p.known[i];
	const struct config_network *network = i ? &node->config.host.networks[i - 1] : NULL;
	struct vd_bytes id = vd_bytes(known->fingerprint, i ? sizeof known->fingerprint : 0);
	char cause[PEER_STORE_WHY] = "";
	enum vd_err err = peer_store_open(node->loop, i ? network->state : node->config.host.state,
					  id, PEER_BOOK_PEERS, &known->store, cause);

	if (!err)
		tell_store(i ? network->name : "public", known->store);
	else
		snprintf(why, NODE_WHY, "%s%s%s: %s", i ? "host.networks " : "host.state",
			 i ? network->name : "", i ? ": state" : "",
			 cause[0] ? cause : vd_err_text(err));
	return err;
}

ON_CONTROL static enum vd_err open_known(struct node *node, size_t i, char why[NODE_WHY])
{
	struct node_known_peers *known = &node->libp2p.known[i];
	enum vd_err err;

	known->swarm = node->libp2p.swarms[i];
	err = open_store(node, i, why);
	if (err)
		return err;
	book_router_init(&known->router, peer_store_book(known->store));
	err = keeper_new(
	    &(struct keeper_config){ peer_store_book(known->store), listens, tell, known },
	    &known->keeper);
	if (err)
		return err;
	set_rules(node, i);
	err = watch(known);
	return err ? err : node_open_dialer(node, i, why);
}

enum vd_err node_open_known(struct node *node, char why[NODE_WHY])
{
	enum vd_err err = VD_OK;

	for (size_t i = 0; i < SWARMS && !err; i++)
		if (node->libp2p.swarms[i])
			err = open_known(node, i, why);
	return err;
}

void node_close_known(struct node *node)
{
	for (size_t i = 0; i < SWARMS; i++) {
		keeper_free(node->libp2p.known[i].keeper);
		peer_store_close(node->libp2p.known[i].store);
		node->libp2p.known[i] = (struct node_known_peers){ 0 };
	}
}

void node_known_tick(struct node *node, vd_ns now)
{
	for (size_t i = 0; i < SWARMS; i++)
		if (node->libp2p.known[i].keeper) {
			keeper_poll(node->libp2p.known[i].keeper, now);
			peer_store_poll(node->libp2p.known[i].store, now);
		}
}

/* ---- `viaduct peers --known` ---- */

struct listing {
	const struct node *node;
	const char *network;
	json_t *array;
	size_t left_out;
};

static const char *source_name(enum peer_source source)
{
	static const char *const names[] = { "hearsay", "told", "signed" };

	return names[source];
}

static json_t *addresses_json(const struct peer_entry *entry)
{
	struct vd_multiaddr addresses[PEER_BOOK_ADDRESSES];
	size_t count = peer_entry_addresses(entry, vd_unix_ms() * VD_NS_PER_MS, addresses,
					    PEER_BOOK_ADDRESSES);
	json_t *array = json_array();
	char text[VD_MULTIADDR_TEXT];

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(vd_multiaddr_text(&addresses[i], text)));
	return array;
}

static json_t *protocols_json(const struct peer_entry *entry)
{
	json_t *array = json_array();
	const char *protocol = NULL;

	while ((protocol = peer_entry_next_protocol(entry, protocol)))
		json_array_append_new(array, json_string(protocol));
	return array;
}

/* How long ago; 0, too, when the clock was ahead then. */
static json_int_t heard_s(const struct peer_entry *entry)
{
	uint64_t now_ms = vd_unix_ms(), heard_ms = entry->heard / VD_NS_PER_MS;

	return now_ms > heard_ms ? (json_int_t)((now_ms - heard_ms) / 1000) : 0;
}

static void add_known(void *context, const struct peer_entry *entry)
{
	struct listing *listing = context;
	const char *source =
	    entry->address_count ? source_name(entry->addresses[0].source) : "told";

	if (json_array_size(listing->array) == KNOWN_SHOWN_MAX) {
		listing->left_out++;
		return;
	}

	json_t *addresses = addresses_json(entry);
	json_t *best = json_array_get(addresses, 0);

	json_array_append_new(
	    listing->array,
	    node_named(listing->node,
		       json_pack("{s:o, s:O, s:s, s:b, s:s, s:s, s:o, s:I, s:o, s:o}", "peer",
				 node_peer_json(&entry->peer), "address", best ? best : json_null(),
				 "network", listing->network, "connected", entry->connections != 0,
				 "source", source, "agent", entry->agent, "rtt_ms",
				 node_rtt_json(entry->latency), "heard_s", heard_s(entry),
				 "addresses", addresses, "protocols", protocols_json(entry)),
		       &entry->peer));
}

void node_action_known(void *context, const json_t *args, struct api_reply *reply)
{
	struct node *node = context;
	struct listing listing = { .node = node, .array = json_array() };

	(void)args;
	for (size_t i = 0; i < SWARMS; i++) {
		listing.network = i ? node->config.host.networks[i - 1].name : "public";
		if (node->libp2p.known[i].store)
			peer_book_each(peer_store_book(node->libp2p.known[i].store), add_known,
				       &listing);
	}
	api_reply_ok(reply, json_pack("{s:o, s:I}", "known", listing.array, "left_out",
				      (json_int_t)listing.left_out));
}

/* ---- metrics ---- */

static void write_histogram(struct metrics *m, const char *name, const char *help,
			    const struct keeper_histogram *histogram)
{
	uint64_t all = 0;

	metrics_histogram(m, name, help);
	for (unsigned i = 0; i < KEEPER_BUCKETS; i++) {
		char end[16] = "+Inf";

		all += histogram->counts[i];
		if (keeper_bucket_end(i))
			snprintf(end, sizeof end, "%u.0", keeper_bucket_end(i));
		metrics_bucket(m, all, end);
	}
	metrics_sum(m, all, (double)histogram->sum);
}

/* Of the public network: the others are few, and known to each other. */
void node_known_metrics(const struct node *node, struct metrics *m)
{
	const struct node_known_peers *known = &node->libp2p.known[0];
	const struct keeper_counters *c;
	const struct peer_book *book;
	const struct peer_store_counters *file;

	if (!known->keeper)
		return;
	c = keeper_counters(known->keeper);
	book = peer_store_book(known->store);
	file = peer_store_counters(known->store);
	metrics_gauge(m, "libp2p_identify_addrs_count", "addresses told to peers");
	metrics_u64(m, keeper_announced(known->keeper)->count);
	metrics_gauge(m, "libp2p_identify_protocols_count", "protocols told to peers");
	metrics_u64(m, swarm_counters(known->swarm).protocols);
	write_histogram(m, "libp2p_identify_protocols_received", "protocols that peers told of",
			&c->protocols);
	write_histogram(m, "libp2p_identify_addrs_received", "addresses that peers told of",
			&c->addresses);
	metrics_gauge(m, "viaduct_known_peers", "peers of which something is known");
	metrics_u64(m, peer_book_count(book));
	metrics_counter(m, "viaduct_known_turned_away", "what the peer store did not keep, by why");
	metrics_u64(m, book->counters.peers_evicted, "why", "peer_evicted");
	metrics_u64(m, book->counters.peers_expired, "why", "peer_expired");
	metrics_u64(m, book->counters.peers_refused, "why", "peer_no_room");
	metrics_u64(m, book->counters.addresses_displaced, "why", "address_displaced");
	metrics_u64(m, book->counters.addresses_refused, "why", "address_refused");
	metrics_u64(m, c->out_of_reach, "why", "address_out_of_reach");
	metrics_u64(m, book->counters.records_old, "why", "record_old");
	metrics_u64(m, book->counters.envelopes_refused, "why", "envelope_refused");
	metrics_u64(m, c->records_bad, "why", "record_bad");
	metrics_u64(m, c->keys_bad, "why", "key_bad");
	metrics_u64(m, book->counters.protocols_refused, "why", "protocol_refused");
	metrics_counter(m, "viaduct_known_writes", "transactions of host.state");
	metrics_u64(m, file->writes, "result", "ok");
	metrics_u64(m, file->writes_failed, "result", "failed");
	metrics_counter(m, "viaduct_observed_votes",
			"what peers told of how they see us, by outcome");
	metrics_u64(m, keeper_votes(known->keeper)->counters.votes, "outcome", "counted");
	metrics_u64(m, keeper_votes(known->keeper)->counters.refused_local, "outcome",
		    "not_listening");
	metrics_u64(m, keeper_votes(known->keeper)->counters.refused_address, "outcome",
		    "bad_address");
	metrics_u64(m, keeper_votes(known->keeper)->counters.refused_full, "outcome", "no_room");
}
