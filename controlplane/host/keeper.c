/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/keeper.h"

#include <stdlib.h>

#include "base/log.h"
#include "controlplane/proto/identify_stream.h"
#include "controlplane/proto/ip_scope.h"
#include "controlplane/proto/peer_record.h"

enum { LOOK_S = 5 }; /* interfaces come and go */

struct keeper {
	struct keeper_config config;
	struct announce_rules rules;
	struct observed_addr votes;
	uint64_t votes_seen; /* version of the last look */
	struct announced announced;
	uint64_t seq;
	bool told;
	vd_ns next_look;
	struct keeper_counters counters;
	uint64_t *uncounted; /* connections for which the book had no room */
	size_t uncounted_count, uncounted_room;
};

static vd_ns unix_now(void)
{
	return vd_unix_ms() * VD_NS_PER_MS;
}

/* ---- life ---- */

enum vd_err keeper_new(const struct keeper_config *config, struct keeper **keeper_out)
{
	struct keeper *keeper = calloc(1, sizeof *keeper);

	if (!keeper)
		return VD_ENOMEM;
	keeper->config = *config;
	observed_addr_init(&keeper->votes);
	*keeper_out = keeper;
	return VD_OK;
}

void keeper_free(struct keeper *keeper)
{
	if (keeper)
		free(keeper->uncounted);
	free(keeper);
}

/* ---- what we tell ---- */

ON_CONTROL static void look(struct keeper *keeper)
{
	struct vd_multiaddr listens[KEEPER_LISTENS_MAX], observed[ANNOUNCE_MAX];
	size_t listen_count =
	    keeper->config.listens(keeper->config.context, listens, KEEPER_LISTENS_MAX);
	size_t observed_count = observed_addr_list(&keeper->votes, observed, ANNOUNCE_MAX);
	struct announced next;

	keeper->votes_seen = keeper->votes.version;
	announce(&keeper->rules, listens, listen_count, observed, observed_count, &next);
	if (keeper->told && announced_equal(&next, &keeper->announced))
		return;
	keeper->told = true;
	keeper->announced = next;
	keeper->seq = unix_now() > keeper->seq ? unix_now() : keeper->seq + 1;
	keeper->config.tell(keeper->config.context, &keeper->announced, keeper->seq);
}

void keeper_rules(struct keeper *keeper, const struct announce_rules *rules)
{
	keeper->rules = *rules;
	look(keeper);
}

void keeper_poll(struct keeper *keeper, vd_ns now)
{
	observed_addr_expire(&keeper->votes, now);
	if (keeper->votes.version == keeper->votes_seen && now < keeper->next_look)
		return;
	keeper->next_look = now + VD_SECONDS(LOOK_S);
	look(keeper);
}

const struct announced *keeper_announced(const struct keeper *keeper)
{
	return &keeper->announced;
}

const struct observed_addr *keeper_votes(const struct keeper *keeper)
{
	return &keeper->votes;
}

/* ---- what peers tell ---- */

/* Whether an address of the peer's leads there from where we are. */
static bool reaches(struct vd_bytes bytes, enum ip_scope remote)
{
	struct vd_multiaddr address;

	if (vd_multiaddr_of_bytes(bytes, &address))
		return true; /* the book says what is wrong with it */
	return ip_scope_leads(ip_scope_of(&address), remote);
}

static size_t keep_reachable(struct keeper *keeper, struct vd_bytes *addresses, size_t count,
			     enum ip_scope remote)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (reaches(addresses[i], remote))
			addresses[kept++] = addresses[i];
	keeper->counters.out_of_reach += count - kept;
	return kept;
}

/* False: there is none that the peer signed. One that is older than ours, or for which there is no
 * room, is one: addresses that are not signed do not take its place. */
static bool take_record(struct keeper *keeper, const struct host_conn_info *conn,
			struct vd_bytes envelope)
{
	struct peer_record record;
	enum vd_err err;

	if (!envelope.len)
		return false;
	err = peer_record_read(envelope, &record);
	if (err || !vd_peer_id_equal(&record.peer, &conn->peer)) {
		keeper->counters.records_bad++;
		return false;
	}
	record.address_count = (uint32_t)keep_reachable(
	    keeper, record.addresses, record.address_count, ip_scope_of(&conn->remote));
	(void)peer_book_add_record(keeper->config.book, &record, PEER_TTL_SEEN, unix_now());
	return true;
}

static void take_addresses(struct keeper *keeper, const struct host_conn_info *conn,
			   struct identify *told)
{
	size_t count = keep_reachable(keeper, told->addresses, told->addresses_count,
				      ip_scope_of(&conn->remote));

	for (size_t i = 0; i < count; i++)
		(void)peer_book_add(keeper->config.book, &conn->peer, told->addresses[i], PEER_TOLD,
				    PEER_TTL_SEEN, unix_now());
}

static void take_facts(struct keeper *keeper, const struct host_conn_info *conn,
		       const struct identify *told)
{
	struct peer_book *book = keeper->config.book;

	if (told->protocols_count)
		(void)peer_book_set_protocols(book, &conn->peer, told->protocols,
					      told->protocols_count, unix_now());
	if (told->agent.len)
		(void)peer_book_set_agent(book, &conn->peer, told->agent, unix_now());
	if (told->public_key.len &&
	    vd_err_class(peer_book_set_key(book, &conn->peer, told->public_key, unix_now())) ==
		VD_CLASS_PEER)
		keeper->counters.keys_bad++;
}

static struct vd_multiaddr tcp_of(const struct vd_udp_addr *end)
{
	struct vd_multiaddr out;
	struct vd_write w = vd_write_to(out.bytes, sizeof out.bytes);
	bool ip4 = vd_udp_addr_is_ip4(end);

	vd_write_uvarint(&w, ip4 ? VD_MA_IP4 : VD_MA_IP6);
	vd_write_bytes(&w, vd_bytes(end->ip + (ip4 ? 12 : 0), ip4 ? 4 : 16));
	vd_write_uvarint(&w, VD_MA_TCP);
	vd_write_be16(&w, end->port);
	out.len = (uint16_t)vd_write_len(&w);
	return out;
}

static void take_vote(struct keeper *keeper, uint64_t number, const struct host_conn_info *conn,
		      struct vd_bytes observed)
{
	struct vd_multiaddr listens[KEEPER_LISTENS_MAX], local = tcp_of(&conn->local);
	size_t count = keeper->config.listens(keeper->config.context, listens, KEEPER_LISTENS_MAX);

	(void)observed_addr_vote(&keeper->votes, number, &local, &conn->remote, observed, listens,
				 count, vd_now());
}

/* ---- histograms ---- */

unsigned keeper_bucket_end(unsigned bucket)
{
	if (bucket < 20)
		return bucket + 1;
	return bucket < KEEPER_BUCKETS - 1 ? 25 + 5 * (bucket - 20) : 0;
}

static void count_in(struct keeper_histogram *histogram, size_t value)
{
	unsigned bucket = 0;

	while (keeper_bucket_end(bucket) && value > keeper_bucket_end(bucket))
		bucket++;
	histogram->counts[bucket]++;
	histogram->sum += value;
}

const struct keeper_counters *keeper_counters(const struct keeper *keeper)
{
	return &keeper->counters;
}

/* ---- events ---- */

/* Its end is not to be told to the book: of its peer another may be counted by then. */
static void note_uncounted(struct keeper *keeper, uint64_t number)
{
	if (keeper->uncounted_count == keeper->uncounted_room) {
		size_t room = keeper->uncounted_room ? 2 * keeper->uncounted_room : 16;
		uint64_t *more = realloc(keeper->uncounted, room * sizeof *more);

		if (!more)
			return; /* one too few is counted, until the last one has left */
		keeper->uncounted = more;
		keeper->uncounted_room = room;
	}
	keeper->uncounted[keeper->uncounted_count++] = number;
}

static bool was_uncounted(struct keeper *keeper, uint64_t number)
{
	for (size_t i = 0; i < keeper->uncounted_count; i++)
		if (keeper->uncounted[i] == number) {
			keeper->uncounted[i] = keeper->uncounted[--keeper->uncounted_count];
			return true;
		}
	return false;
}

void keeper_opened(struct keeper *keeper, uint64_t number, const struct host_conn_info *conn)
{
	if (peer_book_connected(keeper->config.book, &conn->peer, unix_now()))
		note_uncounted(keeper, number);
}

void keeper_identified(struct keeper *keeper, uint64_t number, const struct host_conn_info *conn,
		       struct vd_bytes bytes)
{
	struct identify told;

	if (identify_stream_read(bytes, &told))
		return; /* the host has seen to it */
	count_in(&keeper->counters.protocols, told.protocols_count);
	count_in(&keeper->counters.addresses, told.addresses_count);
	if (!take_record(keeper, conn, told.signed_record))
		take_addresses(keeper, conn, &told);
	take_facts(keeper, conn, &told);
	if (told.observed.len)
		take_vote(keeper, number, conn, told.observed);
}

void keeper_pinged(struct keeper *keeper, const struct host_conn_info *conn, vd_ns rtt)
{
	peer_book_measured(keeper->config.book, &conn->peer, rtt);
}

void keeper_closed(struct keeper *keeper, uint64_t number, const struct host_conn_info *conn)
{
	observed_addr_left(&keeper->votes, number, vd_now());
	if (!was_uncounted(keeper, number))
		peer_book_disconnected(keeper->config.book, &conn->peer, unix_now());
}
