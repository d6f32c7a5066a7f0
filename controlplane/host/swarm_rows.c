/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* swarm_rows: the control thread's rows of connections, and which of them are retired. */
#include <sodium.h>

#include "controlplane/host/preferred.h"
#include "controlplane/host/swarm_state.h"

/* ---- the table ---- */

static struct swarm_row **bucket_of_id(const struct swarm *swarm, uint64_t id)
{
	return (struct swarm_row **)(uintptr_t)&swarm->by_id[id % SWARM_BUCKETS];
}

static struct swarm_row **bucket_of_peer(const struct swarm *swarm, const struct vd_peer_id *peer)
{
	uint64_t hash;

	static_assert(crypto_shorthash_BYTES == sizeof hash);
	crypto_shorthash((uint8_t *)&hash, peer->bytes, peer->len, swarm->secret);
	return (struct swarm_row **)(uintptr_t)&swarm->by_peer[hash % SWARM_BUCKETS];
}

static void add_row(struct swarm *swarm, struct swarm_row *row)
{
	struct swarm_row **id = bucket_of_id(swarm, row->conn.id);
	struct swarm_row **peer = bucket_of_peer(swarm, &row->conn.info.peer);

	row->next_id = *id;
	*id = row;
	row->next_peer = *peer;
	*peer = row;
	row->next = swarm->rows;
	if (row->next)
		row->next->prev = row;
	swarm->rows = row;
	swarm->row_count++;
}

static void del_row(struct swarm *swarm, struct swarm_row *row)
{
	struct swarm_row **id = bucket_of_id(swarm, row->conn.id);
	struct swarm_row **peer = bucket_of_peer(swarm, &row->conn.info.peer);

	while (*id != row)
		id = &(*id)->next_id;
	*id = row->next_id;
	while (*peer != row)
		peer = &(*peer)->next_peer;
	*peer = row->next_peer;
	if (row->next)
		row->next->prev = row->prev;
	if (row->prev)
		row->prev->next = row->next;
	else
		swarm->rows = row->next;
	swarm->row_count--;
}

struct swarm_row *swarm_row(const struct swarm *swarm, uint64_t id)
{
	struct swarm_row *row = *bucket_of_id(swarm, id);

	while (row && row->conn.id != id)
		row = row->next_id;
	return row;
}

const struct swarm_conn *swarm_look(struct swarm_row *row)
{
	struct host_conn_info *info = &row->conn.info;

	info->streams = atomic_load_explicit(&row->live.streams, memory_order_relaxed);
	info->rtt = atomic_load_explicit(&row->live.rtt, memory_order_relaxed);
	return &row->conn;
}

/* ---- one connection a peer ---- */

static bool takes_streams(const struct swarm_row *row)
{
	return !row->hanging_up &&
	       !atomic_load_explicit(&row->live.going_away, memory_order_relaxed);
}

static struct preferred_conn as_preferred(const struct swarm_row *row)
{
	return (struct preferred_conn){ row->conn.info.dialer, row->doubted && takes_streams(row),
					row->order };
}

static bool is_better(const struct swarm *swarm, const struct swarm_row *a,
		      const struct swarm_row *b)
{
	const struct preferred_conn one = as_preferred(a), other = as_preferred(b);

	return preferred_to(&swarm->identity->id, &a->conn.info.peer, &one, &other);
}

struct swarm_row *swarm_preferred(const struct swarm *swarm, const struct vd_peer_id *peer)
{
	struct swarm_row *best = NULL;

	for (struct swarm_row *row = *bucket_of_peer(swarm, peer); row; row = row->next_peer)
		if (takes_streams(row) && vd_peer_id_equal(&row->conn.info.peer, peer) &&
		    (!best || is_better(swarm, row, best)))
			best = row;
	return best;
}

/* Pairs with the exchange in swarm_place_review. */
static void post_review(struct swarm_row *row)
{
	if (!atomic_exchange_explicit(&row->reviewing, true, memory_order_acq_rel))
		mailbox_post_always(&row->place->down, &row->review);
}

static void set_retire(struct swarm_row *row, bool retire)
{
	if (atomic_load_explicit(&row->retire, memory_order_relaxed) == retire)
		return;
	atomic_store_explicit(&row->retire, retire, memory_order_relaxed);
	post_review(row);
}

static bool is_ours_to_retire(const struct swarm_row *row, const struct swarm_row *best)
{
	const struct preferred_conn one = as_preferred(best), other = as_preferred(row);

	return row != best && preferred_closes(&one, &other);
}

/* After a connection of the peer came or went, or takes no more streams. */
ON_CONTROL static void settle(struct swarm *swarm, const struct vd_peer_id *peer)
{
	const struct swarm_row *best = swarm_preferred(swarm, peer);

	for (struct swarm_row *row = *bucket_of_peer(swarm, peer); row; row = row->next_peer) {
		if (!best || row->hanging_up || !vd_peer_id_equal(&row->conn.info.peer, peer))
			continue;
		row->conn.retiring = row != best;
		set_retire(row, is_ours_to_retire(row, best));
	}
}

/* Whether they still work, since the peer dialled this one: see preferred.h. */
ON_CONTROL static void doubt_others(struct swarm *swarm, const struct swarm_row *newcomer)
{
	const struct vd_peer_id *peer = &newcomer->conn.info.peer;

	if (newcomer->conn.info.dialer)
		return;
	for (struct swarm_row *row = *bucket_of_peer(swarm, peer); row; row = row->next_peer)
		if (row != newcomer && !row->doubted &&
		    vd_peer_id_equal(&row->conn.info.peer, peer)) {
			row->doubted = true;
			atomic_store_explicit(&row->doubt, true, memory_order_relaxed);
			post_review(row);
		}
}

/* ---- letters from places ---- */

void swarm_read_opened(struct letter *letter)
{
	struct swarm_row *row = LETTER_IN(letter, struct swarm_row, opened);
	struct swarm *swarm = row->place->swarm;

	row->order = ++swarm->orders;
	add_row(swarm, row);
	doubt_others(swarm, row);
	settle(swarm, &row->conn.info.peer);
	for (unsigned i = 0; i < swarm->watch_count; i++) {
		const struct swarm_events *watch = &swarm->watches[i];

		if (watch->opened)
			watch->opened(watch->context, swarm_look(row));
	}
	if (swarm->stopping)
		swarm_disconnect(swarm, row->conn.id);
}

void swarm_read_going(struct letter *letter)
{
	const struct swarm_row *row = LETTER_IN(letter, struct swarm_row, going);

	settle(row->place->swarm, &row->conn.info.peer);
}

void swarm_read_heard(struct letter *letter)
{
	struct swarm_row *row = LETTER_IN(letter, struct swarm_row, heard);

	row->doubted = false;
	settle(row->place->swarm, &row->conn.info.peer);
}

void swarm_read_closed(struct letter *letter)
{
	struct swarm_row *row = LETTER_IN(letter, struct swarm_row, closed);
	struct swarm *swarm = row->place->swarm;
	const struct swarm_conn *conn = swarm_look(row);

	swarm->retired += !row->err && !row->hanging_up && atomic_load(&row->retire);
	del_row(swarm, row);
	settle(swarm, &conn->info.peer);
	for (unsigned i = 0; i < swarm->watch_count; i++) {
		const struct swarm_events *watch = &swarm->watches[i];

		if (watch->closed)
			watch->closed(watch->context, conn, row->err, row->why);
	}
	mailbox_post_always(&row->place->down, &row->forgotten);
}

void swarm_tell_identified(struct swarm_row *row, struct vd_bytes told)
{
	const struct swarm *swarm = row->place->swarm;

	for (unsigned i = 0; i < swarm->watch_count; i++) {
		const struct swarm_events *watch = &swarm->watches[i];

		if (watch->identified)
			watch->identified(watch->context, swarm_look(row), told);
	}
}

void swarm_tell_said(struct swarm_row *row, const char *protocol, struct vd_bytes bytes)
{
	const struct swarm *swarm = row->place->swarm;

	for (unsigned i = 0; i < swarm->watch_count; i++) {
		const struct swarm_events *watch = &swarm->watches[i];

		if (watch->said)
			watch->said(watch->context, swarm_look(row), protocol, bytes);
	}
}

void swarm_tell_pinged(struct swarm_row *row, vd_ns rtt)
{
	const struct swarm *swarm = row->place->swarm;

	for (unsigned i = 0; i < swarm->watch_count; i++) {
		const struct swarm_events *watch = &swarm->watches[i];

		if (watch->pinged)
			watch->pinged(watch->context, swarm_look(row), rtt);
	}
}

/* ---- what others ask ---- */

const struct swarm_conn *swarm_find(const struct swarm *swarm, const struct vd_peer_id *peer)
{
	struct swarm_row *row = swarm_preferred(swarm, peer);

	return row ? swarm_look(row) : NULL;
}

const struct swarm_conn *swarm_conn(const struct swarm *swarm, uint64_t id)
{
	struct swarm_row *row = swarm_row(swarm, id);

	return row ? swarm_look(row) : NULL;
}

void swarm_each(const struct swarm *swarm, void (*fn)(void *context, const struct swarm_conn *conn),
		void *context)
{
	for (struct swarm_row *row = swarm->rows; row; row = row->next)
		fn(context, swarm_look(row));
}

uint32_t swarm_connection_count(const struct swarm *swarm)
{
	return swarm->row_count;
}

static void hang_up(struct swarm_row *row)
{
	if (row->hanging_up)
		return;
	row->hanging_up = true;
	mailbox_post_always(&row->place->down, &row->hang_up);
}

void swarm_disconnect(struct swarm *swarm, uint64_t id)
{
	struct swarm_row *row = swarm_row(swarm, id);

	if (!row)
		return;
	hang_up(row);
	settle(swarm, &row->conn.info.peer);
}

unsigned swarm_disconnect_peer(struct swarm *swarm, const struct vd_peer_id *peer)
{
	unsigned count = 0;

	for (struct swarm_row *row = *bucket_of_peer(swarm, peer); row; row = row->next_peer)
		if (!row->hanging_up && vd_peer_id_equal(&row->conn.info.peer, peer)) {
			hang_up(row);
			count++;
		}
	return count;
}
