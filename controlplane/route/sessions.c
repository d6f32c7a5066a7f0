/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/sessions.h"

#include <sodium.h>
#include <stdlib.h>

#include "controlplane/route/key_map.h"
#include "controlplane/route/overlay.h"

enum { LIMBO_MAX = ROUTE_SESSIONS_WAITING };
static const vd_ns lost_after = VD_SECONDS(3), ask_every = VD_SECONDS(4), still = VD_SECONDS(2),
		   missing_after = VD_SECONDS(20);

/*
 * A generation that is over for us, while its owner may still have to seal what was
 * injected for it: a close, say.
 */
struct limbo {
	uint32_t index;
	uint32_t mark; /* of the owner's lane of injections */
	uint8_t owner;
};

struct route_sessions {
	struct sw_plane *plane;
	struct limbo limbo[LIMBO_MAX];
	uint32_t limbo_count;
	struct route_session *rows; /* [max]; taken ones are [0, count) */
	uint32_t *row_of_slot;      /* [plane->sessions.capacity] row + 1; 0: none */
	struct key_map by_peer;
	uint32_t max, count;
	uint16_t prefix;
	uint8_t self[SW_IPV6_ADDR];
};

/* ---- rows ---- */

static struct vd_bytes peer_of_row(const void *rows, uint32_t row)
{
	return vd_peer_id_bytes(&((const struct route_session *)rows)[row].peer);
}

struct route_sessions *route_sessions_new(struct sw_plane *plane, uint32_t peers_max,
					  uint16_t prefix, const uint8_t self[SW_IPV6_ADDR])
{
	struct route_sessions *sessions = calloc(1, sizeof *sessions);

	if (!sessions)
		return NULL;
	sessions->plane = plane;
	sessions->max = peers_max;
	sessions->prefix = prefix;
	memcpy(sessions->self, self, sizeof sessions->self);
	sessions->rows = calloc(peers_max, sizeof *sessions->rows);
	sessions->row_of_slot = calloc(plane->sessions.capacity, sizeof *sessions->row_of_slot);
	if (!sessions->rows || !sessions->row_of_slot ||
	    key_map_init(&sessions->by_peer, peers_max, sessions->rows, peer_of_row)) {
		route_sessions_free(sessions);
		return NULL;
	}
	return sessions;
}

void route_sessions_free(struct route_sessions *sessions)
{
	if (!sessions)
		return;
	sw_overlay_retire(sw_rcu_swap(&sessions->plane->overlay, NULL));
	key_map_fini(&sessions->by_peer);
	free(sessions->row_of_slot);
	free(sessions->rows);
	free(sessions);
}

static struct route_session *row_of_peer(const struct route_sessions *sessions,
					 const struct vd_peer_id *peer)
{
	uint32_t row = key_map_find(&sessions->by_peer, vd_peer_id_bytes(peer));

	return row == KEY_MAP_NONE ? NULL : &sessions->rows[row];
}

static struct route_session *row_of_index(const struct route_sessions *sessions, uint32_t index)
{
	uint32_t slot = sw_index_slot(index);

	if (!index || slot >= sessions->plane->sessions.capacity || !sessions->row_of_slot[slot])
		return NULL;
	return &sessions->rows[sessions->row_of_slot[slot] - 1];
}

enum vd_err route_sessions_add(struct route_sessions *sessions, const struct vd_peer_id *peer,
			       bool connect)
{
	uint32_t row = key_map_find(&sessions->by_peer, vd_peer_id_bytes(peer));

	if (row != KEY_MAP_NONE) {
		sessions->rows[row].connect |= connect;
		return VD_OK;
	}
	if (sessions->count == sessions->max)
		return VD_ELIMIT;
	row = sessions->count++;
	sessions->rows[row] = (struct route_session){ .peer = *peer, .connect = connect };
	route_overlay_address(sessions->prefix, peer, sessions->rows[row].overlay);
	key_map_add(&sessions->by_peer, row);
	return VD_OK;
}

void route_sessions_keep(struct route_sessions *sessions, const struct vd_peer_id *peer,
			 bool connect)
{
	uint32_t row = key_map_find(&sessions->by_peer, vd_peer_id_bytes(peer));

	if (row != KEY_MAP_NONE)
		sessions->rows[row].connect = connect;
}

/* The last row moves into the gap, with all that names rows by number. */
static void fill_gap(struct route_sessions *sessions, uint32_t gap)
{
	uint32_t last = --sessions->count;

	if (gap == last)
		return;
	key_map_del(&sessions->by_peer, last);
	sessions->rows[gap] = sessions->rows[last];
	key_map_add(&sessions->by_peer, gap);
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++) {
		uint32_t index = sessions->rows[gap].generations[i].index;

		if (index)
			sessions->row_of_slot[sw_index_slot(index)] = gap + 1;
	}
}

void route_sessions_del(struct route_sessions *sessions, const struct vd_peer_id *peer)
{
	uint32_t row = key_map_find(&sessions->by_peer, vd_peer_id_bytes(peer));

	if (row == KEY_MAP_NONE)
		return;
	route_sessions_drop(sessions, peer);
	key_map_del(&sessions->by_peer, row);
	fill_gap(sessions, row);
	sessions->rows[sessions->count] = (struct route_session){ 0 };
}

enum vd_err route_sessions_publish(struct route_sessions *sessions)
{
	struct sw_overlay_route *routes = calloc(sessions->count + 1, sizeof *routes);
	struct sw_overlay *overlay;

	if (!routes)
		return VD_ENOMEM;
	for (uint32_t i = 0; i < sessions->count; i++) {
		memcpy(routes[i].address, sessions->rows[i].overlay, sizeof routes[i].address);
		routes[i].session = sessions->rows[i].current;
	}
	overlay = sw_overlay_new(sessions->self, routes, sessions->count);
	free(routes);
	if (!overlay)
		return VD_ENOMEM;
	sw_overlay_retire(sw_rcu_swap(&sessions->plane->overlay, overlay));
	return VD_OK;
}

/* ---- generations ---- */

enum vd_err route_sessions_install(struct route_sessions *sessions,
				   const struct route_session_install *install)
{
	struct route_session *session = row_of_peer(sessions, &install->peer);
	struct route_generation *generation;
	struct sw_session_config config = {
		.cipher = install->cipher,
		.remote_index = install->remote_index,
		.owner = install->owner,
		.path = install->data_path,
	};

	if (!session)
		return VD_ENOTFOUND;
	generation = route_generation_of(session->generations, 0);
	if (!generation)
		return VD_ELIMIT;
	memcpy(config.rx_key, install->rx_key, sizeof config.rx_key);
	memcpy(config.tx_key, install->tx_key, sizeof config.tx_key);
	memcpy(config.ip6, install->ip6, sizeof config.ip6);
	memcpy(config.overlay, session->overlay, sizeof config.overlay);
	sw_session_publish(&sessions->plane->sessions, install->index, &config);
	sodium_memzero(&config, sizeof config);
	*generation = (struct route_generation){ .index = install->index };
	sessions->row_of_slot[sw_index_slot(install->index)] =
	    (uint32_t)(session - sessions->rows) + 1;
	session->cipher = install->cipher;
	if (session->current)
		return VD_OK; /* whose path is told until this one is used */
	session->path = install->path;
	session->data_path = install->data_path;
	return VD_OK;
}

/* Workers that still find the record of `index` go on to that of `by`; 0: stay. */
static void replace(const struct route_sessions *sessions, uint32_t index, uint32_t by)
{
	struct sw_session *record = sw_session_find(&sessions->plane->sessions, index);

	if (record)
		atomic_store_explicit(&record->replaced_by, by, memory_order_release);
}

/* The index may soon be another peer's. */
static void replace_by_none(const struct route_sessions *sessions,
			    const struct route_session *session, uint32_t index)
{
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++) {
		uint32_t other = session->generations[i].index;
		const struct sw_session *record =
		    sw_session_find(&sessions->plane->sessions, other);

		if (record &&
		    atomic_load_explicit(&record->replaced_by, memory_order_relaxed) == index)
			replace(sessions, other, 0);
	}
}

const struct route_session *route_sessions_use(struct route_sessions *sessions, uint32_t index,
					       vd_ns now)
{
	struct route_session *session = row_of_index(sessions, index);

	if (!session || !route_generation_of(session->generations, index))
		return NULL;
	if (session->current)
		replace(sessions, session->current, index);
	else
		session->since = now;
	replace(sessions, index, 0); /* two at once: it may have been replaced before */
	session->current = index;
	(void)route_sessions_publish(sessions);
	return session;
}

static struct route_account account_of(const struct route_sessions *sessions, uint32_t index)
{
	const struct sw_session *record = sw_session_find(&sessions->plane->sessions, index);

	return record ? route_account_read(&record->rx_frames, &record->rx_bytes,
					   &record->tx_counter, &record->tx_bytes)
		      : (struct route_account){ 0 };
}

ON_CONTROL static void retire_later(struct route_sessions *sessions, uint32_t index)
{
	const struct sw_session *record = sw_session_find(&sessions->plane->sessions, index);
	struct limbo limbo = { .index = index };

	if (!record)
		return;
	if (sessions->limbo_count == LIMBO_MAX) {
		sw_session_retire(&sessions->plane->sessions, index);
		return;
	}
	limbo.owner = record->owner;
	limbo.mark = sw_lane_mark(&sessions->plane->injects[limbo.owner]);
	sessions->limbo[sessions->limbo_count++] = limbo;
}

void route_sessions_retire(struct route_sessions *sessions, uint32_t index)
{
	struct route_session *session = row_of_index(sessions, index);
	struct route_generation *generation =
	    session ? route_generation_of(session->generations, index) : NULL;

	if (!generation) {
		sw_session_release(&sessions->plane->sessions, index); /* if it is still reserved */
		return;
	}
	route_account_add(&session->retired, account_of(sessions, index));
	*generation = (struct route_generation){ 0 };
	sessions->row_of_slot[sw_index_slot(index)] = 0;
	replace_by_none(sessions, session, index);
	if (session->current == index) {
		session->current = 0;
		(void)route_sessions_publish(sessions);
	}
	retire_later(sessions, index);
}

bool route_sessions_reap(struct route_sessions *sessions)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < sessions->limbo_count; i++) {
		struct limbo limbo = sessions->limbo[i];

		if (sw_lane_passed(&sessions->plane->injects[limbo.owner], limbo.mark))
			sw_session_retire(&sessions->plane->sessions, limbo.index);
		else
			sessions->limbo[kept++] = limbo;
	}
	sessions->limbo_count = kept;
	return kept > 0;
}

void route_sessions_drop(struct route_sessions *sessions, const struct vd_peer_id *peer)
{
	struct route_session *session = row_of_peer(sessions, peer);

	if (!session)
		return;
	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++)
		if (session->generations[i].index)
			route_sessions_retire(sessions, session->generations[i].index);
	session->retired = (struct route_account){ 0 };
	session->paths = (struct session_path){ 0 };
	session->rank = (struct path_rank){ 0 };
	session->mtu = (struct mtu_paths){ .any = false };
}

void route_sessions_moved(struct route_sessions *sessions, uint32_t index,
			  const struct route_path *path, const struct sw_path *data)
{
	struct route_session *session = row_of_index(sessions, index);

	if (!session || session->current != index)
		return;
	session->path = *path;
	session->path_due = data == NULL;
	if (data)
		session->data_path = *data;
}

/* ---- looking ---- */

const struct route_session *route_sessions_find(const struct route_sessions *sessions,
						const struct vd_peer_id *peer)
{
	return row_of_peer(sessions, peer);
}

struct session_path *route_sessions_paths(struct route_sessions *sessions,
					  const struct vd_peer_id *peer)
{
	struct route_session *session = row_of_peer(sessions, peer);

	return session ? &session->paths : NULL;
}

struct path_rank *route_sessions_rank(struct route_sessions *sessions,
				      const struct vd_peer_id *peer)
{
	struct route_session *session = row_of_peer(sessions, peer);

	return session ? &session->rank : NULL;
}

struct mtu_paths *route_sessions_mtu(struct route_sessions *sessions, const struct vd_peer_id *peer)
{
	struct route_session *session = row_of_peer(sessions, peer);

	return session ? &session->mtu : NULL;
}

void route_sessions_injected(struct route_sessions *sessions, uint32_t index)
{
	struct route_session *session = row_of_index(sessions, index);

	if (session)
		session->own++;
}

const struct route_session *route_sessions_of_overlay(const struct route_sessions *sessions,
						      const uint8_t overlay[SW_IPV6_ADDR])
{
	for (uint32_t row = 0; row < sessions->count; row++)
		if (memcmp(sessions->rows[row].overlay, overlay, 16) == 0)
			return &sessions->rows[row];
	return NULL;
}

const struct route_session *route_sessions_of_index(const struct route_sessions *sessions,
						    uint32_t index)
{
	struct route_session *session = row_of_index(sessions, index);

	return session && route_generation_of(session->generations, index) ? session : NULL;
}

const struct route_session *route_sessions_next(const struct route_sessions *sessions, uint32_t *at)
{
	return *at < sessions->count ? &sessions->rows[(*at)++] : NULL;
}

struct route_account route_sessions_account(const struct route_sessions *sessions,
					    const struct route_session *session)
{
	struct route_account sum = session->retired;

	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++) {
		if (session->generations[i].index)
			route_account_add(&sum,
					  account_of(sessions, session->generations[i].index));
	}
	return sum;
}

static void note_silence(struct route_session *session, bool sent, bool received, vd_ns now)
{
	if (received)
		session->unanswered = 0;
	else if (sent && !session->unanswered)
		session->unanswered = now;
}

/* What was injected may leave after the next poll, or never. */
static void note_host(struct route_session *session, uint64_t sent, vd_ns now)
{
	uint64_t own = (uint64_t)session->own + session->own_left;

	if (sent > own)
		session->host_sent_at = now;
	session->own_left = sent < session->own ? session->own - (uint32_t)sent : 0;
	session->own = 0;
}

static void poll_session(struct route_sessions *sessions, struct route_session *session,
			 route_traffic_fn traffic, void *context, vd_ns now)
{
	bool received = false;
	uint64_t sent = 0;

	for (unsigned i = 0; i < ROUTE_GENERATIONS; i++) {
		struct route_generation *generation = &session->generations[i];
		struct route_account before = generation->seen;

		if (!generation->index)
			continue;
		route_generation_poll(generation, account_of(sessions, generation->index), traffic,
				      context);
		received |= generation->seen.rx_frames != before.rx_frames;
		sent += generation->seen.tx_frames - before.tx_frames;
	}
	if (sent)
		session->sent_at = now;
	note_host(session, sent, now);
	session_path_traffic(&session->paths, sent, received, now);
	note_silence(session, session->paths.sent == now, received, now);
}

void route_sessions_poll(struct route_sessions *sessions, route_traffic_fn traffic, void *context,
			 vd_ns now)
{
	for (uint32_t row = 0; row < sessions->count; row++)
		poll_session(sessions, &sessions->rows[row], traffic, context, now);
}

static bool is_lost(const struct route_session *session, vd_ns now)
{
	if (session->asked && now - session->asked < ask_every)
		return false;
	if (!session->current)
		return session->connect;
	return session->unanswered && now - session->unanswered >= lost_after &&
	       now - session->paths.sent < still;
}

const struct route_session *route_sessions_lost(struct route_sessions *sessions, uint32_t *at,
						vd_ns now)
{
	while (*at < sessions->count) {
		struct route_session *session = &sessions->rows[(*at)++];

		if (!is_lost(session, now))
			continue;
		session->asked = now;
		return session;
	}
	return NULL;
}

static bool is_missing(struct route_session *session, vd_ns now)
{
	if (!session->peer.len || !session->connect || session->current) {
		session->missing_since = 0;
		session->missing_told = false;
		return false;
	}
	if (!session->missing_since)
		session->missing_since = now;
	return now - session->missing_since >= missing_after && !session->missing_told;
}

const struct route_session *route_sessions_missing(struct route_sessions *sessions, uint32_t *at,
						   vd_ns now)
{
	while (*at < sessions->count) {
		struct route_session *session = &sessions->rows[(*at)++];

		if (!is_missing(session, now))
			continue;
		session->missing_told = true;
		return session;
	}
	return NULL;
}
