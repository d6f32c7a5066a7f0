/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * peer_store: table `peers` of an LMDB file: peer id -> peer_value. The unnamed table has a row
 * `format`, which tells a peer store from other LMDB files; that of a private network has a row
 * `network`, too.
 */
#include "controlplane/host/peer_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "controlplane/proto/peer_value.h"

static const struct cp_database_config file_config = {
	.map_bytes = (size_t)1 << 30, /* rows above half a page have pages of their own */
	.tables = 1,
};
static const vd_ns retry_after = VD_SECONDS(10);

struct row { /* of what is being written */
	struct vd_peer_id peer;
	bool deleted;
	uint32_t at, len; /* of `bytes` */
};

struct peer_store {
	struct cp_loop *loop;
	struct cp_database *database; /* NULL: none */
	MDB_dbi peers;
	struct peer_book book;
	struct row rows[PEER_BOOK_BATCH]; /* the pool reads these, while `busy` */
	uint32_t row_count;
	uint8_t *bytes;
	size_t bytes_room;
	bool busy, failing;
	vd_ns not_before;
	struct peer_store_counters counters;
};

static vd_ns unix_now(void)
{
	return vd_unix_ms() * VD_NS_PER_MS;
}

/* ---- reading at start ---- */

struct known {
	struct vd_peer_id peer;
	vd_ns heard;
	struct vd_bytes row; /* while the file is read; then empty: to be deleted */
};

struct reading {
	struct peer_store *store;
	struct vd_bytes network;
	struct known *known;
	size_t count, room;
	const char *why; /* what is wrong with the file, and the cure; NULL: LMDB tells */
};

static char format_name[] = "format", network_name[] = "network";

/* An empty file becomes ours. */
static int begin_file(const struct reading *reading, MDB_txn *txn, MDB_dbi names, MDB_val *format)
{
	MDB_val key = { sizeof format_name - 1, format_name };
	MDB_val network_key = { sizeof network_name - 1, network_name };
	MDB_val network = { reading->network.len, (void *)(uintptr_t)reading->network.at };
	int err = mdb_put(txn, names, &key, format, 0);

	return err || !network.mv_size ? err : mdb_put(txn, names, &network_key, &network, 0);
}

/* Whether it is of the network that is asked for. */
static int check_network(struct reading *reading, MDB_txn *txn, MDB_dbi names)
{
	MDB_val key = { sizeof network_name - 1, network_name }, value = { 0 };
	int err = mdb_get(txn, names, &key, &value);

	if (err && err != MDB_NOTFOUND)
		return err;
	if (!vd_bytes_equal(vd_bytes(value.mv_data, err ? 0 : value.mv_size), reading->network))
		reading->why = "its peers are of another network; name another file";
	return 0;
}

/* Whether the file is ours. */
static int check_format(struct reading *reading, MDB_txn *txn)
{
	static char ours[] = "viaduct peers 1";
	MDB_val key = { sizeof format_name - 1, format_name }, value = { sizeof ours - 1, ours };
	MDB_stat stat;
	MDB_dbi names;
	int err = mdb_dbi_open(txn, NULL, 0, &names);

	if (!err)
		err = mdb_stat(txn, names, &stat);
	if (!err && !stat.ms_entries)
		return begin_file(reading, txn, names, &value);
	if (!err)
		err = mdb_get(txn, names, &key, &value);
	if (err == MDB_NOTFOUND)
		reading->why = "it is a database of something else; name another file";
	else if (!err &&
		 !vd_bytes_equal(vd_bytes(value.mv_data, value.mv_size), vd_bytes_of_text(ours)))
		reading->why = "it is of a newer viaductd; run that one, or name another file";
	else if (!err)
		err = check_network(reading, txn, names);
	return reading->why ? MDB_INCOMPATIBLE : err;
}

static int open_tables(void *context, MDB_txn *txn)
{
	struct reading *reading = context;
	int err = check_format(reading, txn);
	MDB_stat stat = { 0 };

	if (!err)
		err = mdb_dbi_open(txn, "peers", MDB_CREATE, &reading->store->peers);
	if (!err)
		err = mdb_stat(txn, reading->store->peers, &stat);
	reading->room = stat.ms_entries;
	return err;
}

static void collect(struct reading *reading, struct vd_bytes key, struct vd_bytes row)
{
	struct known *known = &reading->known[reading->count];
	struct peer_value value;

	if (reading->count == reading->room || vd_peer_id_of_bytes(key, &known->peer)) {
		reading->store->counters.rows_bad++;
		return;
	}
	known->row = row;
	if (peer_value_decode(row, &value)) {
		reading->store->counters.rows_bad++;
		value.heard = 0;
	}
	known->heard = value.heard;
	reading->count++;
}

static int by_heard(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return (x->heard > y->heard) - (x->heard < y->heard);
}

static void load(struct reading *reading)
{
	struct peer_store *store = reading->store;
	vd_ns now = unix_now();

	qsort(reading->known, reading->count, sizeof *reading->known, by_heard);
	for (size_t i = 0; i < reading->count; i++) {
		struct known *known = &reading->known[i];
		struct peer_value value;

		if (peer_value_decode(known->row, &value) ||
		    peer_book_load(&store->book, &known->peer, &value, now))
			known->row = vd_bytes(NULL, 0);
		else
			store->counters.rows_read++;
	}
}

/* Those of whom nothing holds any more, who have no room, or who do not read. */
static int delete_rest(void *context, MDB_txn *txn)
{
	const struct reading *reading = context;
	int err = 0;

	for (size_t i = 0; i < reading->count && !err; i++) {
		const struct known *known = &reading->known[i];
		MDB_val key = { known->peer.len, (void *)(uintptr_t)known->peer.bytes };

		if (!known->row.len)
			err = mdb_del(txn, reading->store->peers, &key, NULL);
		if (err == MDB_NOTFOUND)
			err = 0;
	}
	return err;
}

static int read_rows(struct reading *reading)
{
	MDB_env *env = cp_database_env(reading->store->database);
	MDB_val key, row;
	MDB_cursor *cursor;
	MDB_txn *txn;
	int err = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

	if (err)
		return err;
	err = mdb_cursor_open(txn, reading->store->peers, &cursor);
	if (!err) {
		while (!(err = mdb_cursor_get(cursor, &key, &row, MDB_NEXT)))
			collect(reading, vd_bytes(key.mv_data, key.mv_size),
				vd_bytes(row.mv_data, row.mv_size));
		if (err == MDB_NOTFOUND) {
			err = 0;
			load(reading); /* rows are borrowed from the transaction */
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return err;
}

static int read_all(struct reading *reading)
{
	struct cp_database *database = reading->store->database;
	int err = cp_database_write(database, open_tables, reading);

	if (err)
		return err;
	reading->known = calloc(reading->room + 1, sizeof *reading->known);
	if (!reading->known)
		return ENOMEM;
	err = read_rows(reading);
	return err ? err : cp_database_write(database, delete_rest, reading);
}

static const char *cure_of(int err)
{
	switch (err) {
	case ENOSPC:
	case MDB_MAP_FULL: return "make room on its disk";
	case ENOMEM: return "raise the limit on memory";
	default: return "it is damaged: move it away, and a new one is begun";
	}
}

ON_CONTROL static enum vd_err open_file(struct peer_store *store, const char *path,
					struct vd_bytes network, char why[PEER_STORE_WHY])
{
	struct reading reading = { .store = store, .network = network };
	enum vd_err err = cp_database_open(path, &file_config, &store->database, why);
	int result;

	if (err)
		return err;
	result = read_all(&reading);
	free(reading.known);
	if (!result)
		return VD_OK;
	if (reading.why)
		snprintf(why, PEER_STORE_WHY, "cannot use %s: %s", path, reading.why);
	else
		snprintf(why, PEER_STORE_WHY, "cannot use %s: %s; %s", path, mdb_strerror(result),
			 cure_of(result));
	return VD_EUSER;
}

/* ---- life ---- */

ON_CONTROL static void free_all(struct peer_store *store)
{
	cp_database_close(store->database);
	peer_book_fini(&store->book);
	free(store->bytes);
	free(store);
}

enum vd_err peer_store_open(struct cp_loop *loop, const char *path, struct vd_bytes network,
			    uint32_t peers, struct peer_store **store_out, char why[PEER_STORE_WHY])
{
	struct peer_store *store = calloc(1, sizeof *store);
	enum vd_err err;

	if (!store)
		return VD_ENOMEM;
	store->loop = loop;
	err = peer_book_init(&store->book, peers);
	if (!err && path && path[0])
		err = open_file(store, path, network, why);
	if (!err && store->database) {
		peer_book_track(&store->book);
		if (store->counters.rows_bad)
			vd_log(VD_LOG_WARN, VD_SUB_HOST,
			       "peers that could not be read were passed over",
			       VD_STR("file", path), VD_U64("peers", store->counters.rows_bad));
	}
	if (err)
		free_all(store);
	else
		*store_out = store;
	return err;
}

struct peer_book *peer_store_book(struct peer_store *store)
{
	return &store->book;
}

const struct peer_store_counters *peer_store_counters(const struct peer_store *store)
{
	return &store->counters;
}

/* ---- writing ---- */

static int write_rows(void *context, MDB_txn *txn)
{
	struct peer_store *store = context;
	int err = 0;

	for (uint32_t i = 0; i < store->row_count && !err; i++) {
		struct row *row = &store->rows[i];
		MDB_val key = { row->peer.len, row->peer.bytes };
		MDB_val value = { row->len, store->bytes + row->at };

		if (row->deleted)
			err = mdb_del(txn, store->peers, &key, NULL);
		else
			err = mdb_put(txn, store->peers, &key, &value, 0);
		if (err == MDB_NOTFOUND)
			err = 0;
	}
	return err;
}

static void tell_failure(struct peer_store *store, int result)
{
	if (result && !store->failing)
		vd_log(VD_LOG_ERROR, VD_SUB_HOST,
		       "cannot write what is known of peers; make room on the file's disk. Until "
		       "then it is lost with a restart",
		       VD_STR("file", cp_database_path(store->database)),
		       VD_STR("cause", mdb_strerror(result)));
	else if (!result && store->failing)
		vd_log(VD_LOG_INFO, VD_SUB_HOST, "what is known of peers can be written again",
		       VD_STR("file", cp_database_path(store->database)));
	store->failing = result != 0;
}

ON_CONTROL static void written(void *context, int result)
{
	struct peer_store *store = context;

	store->busy = false;
	store->counters.writes += !result;
	store->counters.writes_failed += result != 0;
	store->not_before = vd_now() + (result ? retry_after : VD_SECONDS(PEER_STORE_WRITE_S));
	for (uint32_t i = 0; result && i < store->row_count; i++)
		peer_book_put_back(&store->book, &store->rows[i].peer);
	tell_failure(store, result);
	store->row_count = 0;
}

static bool room_for_one_more(struct peer_store *store, size_t used)
{
	size_t room = store->bytes_room ? store->bytes_room * 2 : (size_t)4 * PEER_VALUE_MAX;
	uint8_t *more;

	if (store->bytes_room - used >= PEER_VALUE_MAX)
		return true;
	more = realloc(store->bytes, room);
	if (!more)
		return false;
	store->bytes = more;
	store->bytes_room = room;
	return true;
}

/* Copies of what changed, for the pool. */
static bool collect_changes(struct peer_store *store)
{
	struct peer_change change;
	size_t used = 0;

	while (store->row_count < PEER_BOOK_BATCH && room_for_one_more(store, used) &&
	       peer_book_take_change(&store->book, &change)) {
		struct row *row = &store->rows[store->row_count++];
		struct vd_write w = vd_write_to(store->bytes + used, PEER_VALUE_MAX);

		*row = (struct row){ .peer = change.peer, .at = (uint32_t)used };
		row->deleted = !change.entry || peer_value_encode(change.entry, &w);
		row->len = (uint32_t)vd_write_len(&w);
		used += row->len;
	}
	return store->row_count;
}

void peer_store_poll(struct peer_store *store, vd_ns now)
{
	peer_book_expire(&store->book, unix_now());
	if (!store->database || store->busy || now < store->not_before || !collect_changes(store))
		return;
	store->busy = true;
	cp_database_write_later(store->database, store->loop, write_rows, written, store);
}

void peer_store_close(struct peer_store *store)
{
	if (!store)
		return;
	while (store->busy)
		cp_loop_turn(store->loop, vd_now() + VD_MS(10));
	for (bool more = store->database && collect_changes(store); more;) {
		written(store, cp_database_write(store->database, write_rows, store));
		more = !store->failing && collect_changes(store);
	}
	free_all(store);
}
