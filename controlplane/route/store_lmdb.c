/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* store_lmdb: the store in one LMDB file: peer id -> binary multiaddr /ip…/udp/…. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/formats/multiaddr.h"
#include "base/log.h"
#include "controlplane/route/store.h"
#include "controlplane/route/store_state.h"

static const struct cp_database_config file_config = {
	.map_bytes = (size_t)256 << 20, .tables = 1, /* accounts */
};
static const vd_ns retry_after = VD_SECONDS(10);

struct change {
	struct vd_peer_id peer;
	struct vd_udp_addr address;
	bool forget;
};

struct changes {
	uint32_t count;
	struct change at[ROUTE_STORE_PENDING_MAX];
};

struct route_store {
	struct cp_loop *loop;
	struct cp_database *database;
	MDB_dbi peers;
	struct changes *waiting; /* the control thread adds */
	struct changes *writing; /* the pool reads, while `busy` */
	bool busy;
	bool failing; /* said so */
	vd_ns not_before;
	uint64_t turned_away; /* by the pool, of what it writes */
	uint64_t lost, failed, full;
};

/* ---- opening ---- */

static int open_peers(void *context, MDB_txn *txn)
{
	struct route_store *store = context;

	return mdb_dbi_open(txn, NULL, 0, &store->peers);
}

ON_CONTROL static void free_all(struct route_store *store)
{
	cp_database_close(store->database);
	free(store->waiting);
	free(store->writing);
	free(store);
}

ON_CONTROL static enum vd_err open_file(struct route_store *store, const char *path,
					char why[ROUTE_STORE_WHY])
{
	enum vd_err err = cp_database_open(path, &file_config, &store->database, why);
	int result;

	if (err)
		return err;
	result = cp_database_write(store->database, open_peers, store);
	if (!result)
		return VD_OK;
	snprintf(why, ROUTE_STORE_WHY, "cannot use %s: %s; make room on its disk, or move it away",
		 path, mdb_strerror(result));
	return VD_EUSER;
}

enum vd_err route_store_open(struct cp_loop *loop, const char *path, struct route_store **store_out,
			     char why[ROUTE_STORE_WHY])
{
	struct route_store *store = calloc(1, sizeof *store);
	enum vd_err err;

	if (!store)
		return VD_ENOMEM;
	store->loop = loop;
	store->waiting = calloc(1, sizeof *store->waiting);
	store->writing = calloc(1, sizeof *store->writing);
	err = store->waiting && store->writing ? open_file(store, path, why) : VD_ENOMEM;
	if (err)
		free_all(store);
	else
		*store_out = store;
	return err;
}

/* ---- writing ---- */

/* Whether the peer has a row, or may have one. */
static bool has_room(const struct route_store *store, MDB_txn *txn, MDB_val *key)
{
	MDB_val value;
	MDB_stat stat;

	return !mdb_get(txn, store->peers, key, &value) || mdb_stat(txn, store->peers, &stat) ||
	       stat.ms_entries < ROUTE_STORE_ROWS_MAX;
}

static int write_one(struct route_store *store, MDB_txn *txn, const struct change *change)
{
	MDB_val key = { change->peer.len, (void *)change->peer.bytes };
	struct vd_multiaddr address;
	int err;

	if (change->forget) {
		err = mdb_del(txn, store->peers, &key, NULL);
		return err == MDB_NOTFOUND ? 0 : err;
	}
	if (!has_room(store, txn, &key)) {
		store->turned_away++;
		return 0;
	}
	vd_multiaddr_of_link(&change->address, NULL, &address);
	return mdb_put(txn, store->peers, &key, &(MDB_val){ address.len, address.bytes }, 0);
}

/* On the pool. */
static int write_all(void *context, MDB_txn *txn)
{
	struct route_store *store = context;
	int err = 0;

	store->turned_away = 0;
	for (uint32_t i = 0; i < store->writing->count && !err; i++)
		err = write_one(store, txn, &store->writing->at[i]);
	return err;
}

static bool is_waiting(const struct route_store *store, const struct vd_peer_id *peer)
{
	for (uint32_t i = 0; i < store->waiting->count; i++)
		if (vd_peer_id_equal(&store->waiting->at[i].peer, peer))
			return true;
	return false;
}

/* What was not written waits again, unless there is news of the peer. */
static void put_back(struct route_store *store)
{
	for (uint32_t i = 0; i < store->writing->count; i++) {
		const struct change *change = &store->writing->at[i];

		if (is_waiting(store, &change->peer))
			continue;
		if (store->waiting->count < ROUTE_STORE_PENDING_MAX)
			store->waiting->at[store->waiting->count++] = *change;
		else
			store->lost++;
	}
}

ON_CONTROL static void note_full(struct route_store *store)
{
	if (!store->full && store->turned_away)
		vd_log(VD_LOG_WARN, VD_SUB_ROUTE,
		       "more peers with reservations than link.state keeps: later ones are not "
		       "remembered over a restart",
		       VD_U64("kept", ROUTE_STORE_ROWS_MAX));
	store->full += store->turned_away;
}

ON_CONTROL static void written(void *context, int result)
{
	struct route_store *store = context;

	store->busy = false;
	if (result) {
		store->failed++;
		store->not_before = vd_now() + retry_after;
		put_back(store);
		if (!store->failing)
			vd_log(VD_LOG_ERROR, VD_SUB_ROUTE,
			       "cannot write link.state; make room on its disk. Until then peers "
			       "with reservations are not remembered over a restart",
			       VD_STR("file", cp_database_path(store->database)),
			       VD_STR("cause", mdb_strerror(result)));
	} else if (store->failing) {
		vd_log(VD_LOG_INFO, VD_SUB_ROUTE, "link.state can be written again",
		       VD_STR("file", cp_database_path(store->database)));
	}
	if (!result)
		note_full(store);
	store->failing = result != 0;
	store->writing->count = 0;
}

void route_store_poll(struct route_store *store, vd_ns now)
{
	struct changes *changes = store->waiting;

	if (store->busy || changes->count == 0 || now < store->not_before)
		return;
	store->waiting = store->writing;
	store->writing = changes;
	store->busy = true;
	cp_database_write_later(store->database, store->loop, write_all, written, store);
}

void route_store_put(struct route_store *store, const struct vd_peer_id *peer,
		     const struct vd_udp_addr *address)
{
	struct change change = { .peer = *peer, .forget = !address };

	if (address)
		change.address = *address;
	for (uint32_t i = 0; i < store->waiting->count; i++) {
		if (vd_peer_id_equal(&store->waiting->at[i].peer, peer)) {
			store->waiting->at[i] = change;
			return;
		}
	}
	if (store->waiting->count == ROUTE_STORE_PENDING_MAX)
		store->lost++;
	else
		store->waiting->at[store->waiting->count++] = change;
}

void route_store_close(struct route_store *store)
{
	if (!store)
		return;
	while (store->busy)
		cp_loop_turn(store->loop, vd_now() + VD_MS(10));
	if (store->waiting->count) {
		struct changes *changes = store->waiting;

		store->waiting = store->writing;
		store->writing = changes;
		written(store, cp_database_write(store->database, write_all, store));
	}
	free_all(store);
}

/* ---- reading ---- */

struct reader {
	route_known_fn known;
	void *context;
};

static void tell(void *context, struct vd_bytes key, struct vd_bytes value)
{
	const struct reader *reader = context;
	struct vd_multiaddr multiaddr;
	struct vd_udp_addr address;
	struct vd_peer_id peer;

	if (vd_peer_id_of_bytes(key, &peer) || vd_multiaddr_of_bytes(value, &multiaddr) ||
	    vd_multiaddr_to_link(&multiaddr, &address, NULL))
		return;
	reader->known(reader->context, &peer, &address);
}

enum vd_err route_store_each(struct route_store *store, route_known_fn known, void *context)
{
	struct reader reader = { known, context };

	return cp_database_each(store->database, store->peers, tell, &reader) ? VD_ESYS : VD_OK;
}

struct cp_database *store_database(const struct route_store *store)
{
	return store->database;
}

uint64_t route_store_lost(const struct route_store *store)
{
	return store->lost;
}

uint64_t route_store_full(const struct route_store *store)
{
	return store->full;
}

uint64_t route_store_failed(const struct route_store *store)
{
	return store->failed;
}
