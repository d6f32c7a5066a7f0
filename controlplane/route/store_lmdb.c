/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* store_lmdb: the store in one LMDB file: peer id -> binary multiaddr /ip…/udp/…. */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "controlplane/loop/work.h"
#include "controlplane/route/store.h"
#include "controlplane/route/store_internal.h"

enum { MODE = 0600 };
static const size_t map_bytes = (size_t)256 << 20; /* room in the address space, not on the disk */
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
	MDB_env *env;
	MDB_dbi peers;
	struct changes *waiting; /* the control thread adds */
	struct changes *writing; /* the pool reads, while `busy` */
	bool busy;
	bool failing; /* said so */
	int result;   /* of the last write; by the pool, read when it is done */
	vd_ns not_before;
	uint64_t lost, failed;
	int lock; /* descriptor of the file, locked; -1: none */
	char path[1024];
};

/* ---- opening ---- */

/* LMDB lets many processes in; two daemons that remember in one place would mix their peers. */
static int lock_file(struct route_store *store)
{
	store->lock = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, MODE);
	if (store->lock < 0)
		return errno;
	return flock(store->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK ? EWOULDBLOCK : 0;
}

static int open_env(struct route_store *store)
{
	MDB_txn *txn;
	int err = lock_file(store);

	if (!err)
		err = mdb_env_create(&store->env);
	if (!err)
		err = mdb_env_set_mapsize(store->env, map_bytes);
	if (!err)
		err = mdb_env_set_maxdbs(store->env, 1); /* accounts */
	if (!err)
		err = mdb_env_open(store->env, store->path, MDB_NOSUBDIR | MDB_NOTLS, MODE);
	if (!err)
		err = mdb_txn_begin(store->env, NULL, 0, &txn);
	if (err)
		return err;
	err = mdb_dbi_open(txn, NULL, 0, &store->peers);
	if (err) {
		mdb_txn_abort(txn);
		return err;
	}
	return mdb_txn_commit(txn);
}

static void free_all(struct route_store *store)
{
	if (store->env)
		mdb_env_close(store->env);
	if (store->lock >= 0)
		close(store->lock);
	free(store->waiting);
	free(store->writing);
	free(store);
}

static const char *cure_of(int err)
{
	switch (err) {
	case EWOULDBLOCK: return "stop that one, or name another file";
	case EMFILE:
	case ENFILE: return "raise the limit on descriptors (ulimit -n)";
	case ENOMEM: return "raise the limit on address space (ulimit -v)";
	case ENOSPC: return "make room on that disk";
	default:
		return "its folder has to exist and be writable, and the file, if there is one, be "
		       "made "
		       "by viaductd";
	}
}

enum vd_err route_store_open(struct cp_loop *loop, const char *path, struct route_store **store_out,
			     char why[ROUTE_STORE_WHY])
{
	struct route_store *store = calloc(1, sizeof *store);
	int err;

	if (!store)
		return VD_ENOMEM;
	store->loop = loop;
	store->lock = -1;
	store->waiting = calloc(1, sizeof *store->waiting);
	store->writing = calloc(1, sizeof *store->writing);
	if (!store->waiting || !store->writing) {
		free_all(store);
		return VD_ENOMEM;
	}
	snprintf(store->path, sizeof store->path, "%s", path);
	err = open_env(store);
	if (err) {
		snprintf(why, ROUTE_STORE_WHY, "cannot use %s: %s; %s", store->path,
			 err == EWOULDBLOCK ? "another daemon does" : mdb_strerror(err),
			 cure_of(err));
		free_all(store);
		return VD_EUSER;
	}
	*store_out = store;
	return VD_OK;
}

/* ---- writing ---- */

static int write_one(struct route_store *store, MDB_txn *txn, const struct change *change)
{
	MDB_val key = { change->peer.len, (void *)change->peer.bytes };
	struct vd_multiaddr address;
	int err;

	if (change->forget) {
		err = mdb_del(txn, store->peers, &key, NULL);
		return err == MDB_NOTFOUND ? 0 : err;
	}
	vd_multiaddr_of_link(&change->address, NULL, &address);
	return mdb_put(txn, store->peers, &key, &(MDB_val){ address.len, address.bytes }, 0);
}

/* On the pool. */
static void write_all(void *context)
{
	struct route_store *store = context;
	MDB_txn *txn;
	int err = mdb_txn_begin(store->env, NULL, 0, &txn);

	if (err) {
		store->result = err;
		return;
	}
	for (uint32_t i = 0; i < store->writing->count && !err; i++)
		err = write_one(store, txn, &store->writing->at[i]);
	if (err)
		mdb_txn_abort(txn);
	else
		err = mdb_txn_commit(txn);
	store->result = err;
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

ON_CONTROL static void written(void *context)
{
	struct route_store *store = context;

	store->busy = false;
	if (store->result) {
		store->failed++;
		store->not_before = vd_now() + retry_after;
		put_back(store);
		if (!store->failing)
			vd_log(VD_ERROR, VD_SUB_ROUTE,
			       "cannot write link.state; make room on its disk. Until then peers "
			       "with reservations are not remembered over a restart",
			       VD_STR("file", store->path),
			       VD_STR("cause", mdb_strerror(store->result)));
	} else if (store->failing) {
		vd_log(VD_INFO, VD_SUB_ROUTE, "link.state can be written again",
		       VD_STR("file", store->path));
	}
	store->failing = store->result != 0;
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
	if (!cp_work(store->loop, write_all, written, store))
		return;
	store->result = MDB_PANIC; /* out of memory: tried again */
	written(store);
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
		write_all(store);
	}
	free_all(store);
}

/* ---- reading ---- */

static void tell(const MDB_val *key, const MDB_val *value, route_known_fn known, void *context)
{
	struct vd_multiaddr multiaddr;
	struct vd_udp_addr address;
	struct vd_peer_id peer;

	if (vd_peer_id_of_bytes(vd_bytes(key->mv_data, key->mv_size), &peer) ||
	    vd_multiaddr_of_bytes(vd_bytes(value->mv_data, value->mv_size), &multiaddr) ||
	    vd_multiaddr_to_link(&multiaddr, &address, NULL))
		return;
	known(context, &peer, &address);
}

enum vd_err route_store_each(struct route_store *store, route_known_fn known, void *context)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_txn *txn;

	if (mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn))
		return VD_ESYS;
	if (mdb_cursor_open(txn, store->peers, &cursor)) {
		mdb_txn_abort(txn);
		return VD_ESYS;
	}
	while (!mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
		tell(&key, &value, known, context);
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return VD_OK;
}

MDB_env *store_env(const struct route_store *store)
{
	return store->env;
}

const char *store_path(const struct route_store *store)
{
	return store->path;
}

uint64_t route_store_lost(const struct route_store *store)
{
	return store->lost;
}

uint64_t route_store_failed(const struct route_store *store)
{
	return store->failed;
}
