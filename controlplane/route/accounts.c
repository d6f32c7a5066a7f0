/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "controlplane/route/store_state.h"

enum { ROW_BYTES = 32, ROWS_KEPT = ACCOUNTS_ROWS_MAX - ACCOUNTS_ROWS_MAX / 16 };

struct accounts {
	struct cp_loop *loop;
	struct cp_database *database;
	MDB_dbi rows;
	struct route_total *gone; /* of peers that left; they wait for the next flush */
	uint32_t gone_count;
	struct route_total *writing; /* the pool reads, while `busy`: those that left first */
	uint32_t writing_count, writing_gone;
	size_t pruned; /* by the pool, with what it writes */
	bool busy;
	bool failing; /* said so; and all are written next time */
	vd_ns next;
	uint64_t failed, lost, forgotten;
};

/* ---- rows ---- */

static void row_write(struct route_account total, uint8_t out[ROW_BYTES])
{
	vd_be64_store(out, total.rx_frames);
	vd_be64_store(out + 8, total.rx_bytes);
	vd_be64_store(out + 16, total.tx_frames);
	vd_be64_store(out + 24, total.tx_bytes);
}

static struct route_account row_read(struct vd_bytes value)
{
	const uint8_t *at = value.at;

	if (value.len < ROW_BYTES)
		return (struct route_account){ 0 };
	return (struct route_account){ .rx_frames = vd_be64_load(at),
				       .rx_bytes = vd_be64_load(at + 8),
				       .tx_frames = vd_be64_load(at + 16),
				       .tx_bytes = vd_be64_load(at + 24) };
}

static bool is_nothing(struct route_account total)
{
	return (total.rx_frames | total.rx_bytes | total.tx_frames | total.tx_bytes) == 0;
}

uint64_t accounts_weight(struct route_account total)
{
	uint64_t sum = total.rx_bytes + total.tx_bytes;

	return sum < total.rx_bytes ? UINT64_MAX : sum;
}

/* ---- opening ---- */

static int open_rows(void *context, MDB_txn *txn)
{
	struct accounts *accounts = context;

	return mdb_dbi_open(txn, "accounts", MDB_CREATE, &accounts->rows);
}

static void free_all(struct accounts *accounts)
{
	free(accounts->gone);
	free(accounts->writing);
	free(accounts);
}

enum vd_err accounts_open(struct cp_loop *loop, struct route_store *store,
			  struct accounts **accounts_out)
{
	struct accounts *accounts = calloc(1, sizeof *accounts);

	if (!accounts)
		return VD_ENOMEM;
	accounts->loop = loop;
	accounts->database = store_database(store);
	accounts->gone = calloc(ACCOUNTS_GONE_MAX, sizeof *accounts->gone);
	if (!accounts->gone || cp_database_write(accounts->database, open_rows, accounts)) {
		enum vd_err err = accounts->gone ? VD_ESYS : VD_ENOMEM;

		free_all(accounts);
		return err;
	}
	*accounts_out = accounts;
	return VD_OK;
}

/* ---- the limit ---- */

static int by_weight(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

static uint64_t weight_of(MDB_val value)
{
	return accounts_weight(row_read(vd_bytes(value.mv_data, value.mv_size)));
}

/* The weight of the row that `count` others are not heavier than. */
static int find_border(MDB_cursor *cursor, size_t rows, size_t count, uint64_t *weight_out)
{
	uint64_t *weights = calloc(rows, sizeof *weights);
	MDB_val key, value;
	size_t read = 0;
	int err = weights ? 0 : ENOMEM;

	while (!err && read < rows && !(err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)))
		weights[read++] = weight_of(value);
	if (!err) {
		qsort(weights, read, sizeof *weights, by_weight);
		*weight_out = weights[count];
	}
	free(weights);
	return err;
}

/* What is lighter goes, and of what weighs the same as many as are too many. */
static int prune(MDB_cursor *cursor, size_t count, uint64_t border)
{
	for (int pass = 0; pass < 2; pass++) {
		MDB_val key, value;
		int err = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

		while (!err && count) {
			uint64_t weight = weight_of(value);

			if (pass ? weight == border : weight < border) {
				err = mdb_cursor_del(cursor, 0);
				count--;
			}
			if (!err)
				err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
		}
		if (err && err != MDB_NOTFOUND)
			return err;
	}
	return 0;
}

/* On the pool. Some more than has to go, so that this is not for each row. */
static int keep_limit(struct accounts *accounts, MDB_txn *txn)
{
	MDB_cursor *cursor;
	MDB_stat stat;
	uint64_t border;
	int err = mdb_stat(txn, accounts->rows, &stat);

	if (err || stat.ms_entries <= ACCOUNTS_ROWS_MAX)
		return err;
	err = mdb_cursor_open(txn, accounts->rows, &cursor);
	if (err)
		return err;
	accounts->pruned = stat.ms_entries - ROWS_KEPT;
	err = find_border(cursor, stat.ms_entries, accounts->pruned, &border);
	if (!err)
		err = prune(cursor, accounts->pruned, border);
	mdb_cursor_close(cursor);
	return err;
}

ON_CONTROL static void note_pruned(struct accounts *accounts)
{
	if (!accounts->forgotten && accounts->pruned)
		vd_log(VD_LOG_WARN, VD_SUB_ROUTE,
		       "more peers than link.state has accounts of: those that carried least are "
		       "forgotten",
		       VD_U64("kept", ACCOUNTS_ROWS_MAX));
	accounts->forgotten += accounts->pruned;
}

/* ---- writing ---- */

/* On the pool. */
static int write_rows(void *context, MDB_txn *txn)
{
	struct accounts *accounts = context;
	int err = 0;

	accounts->pruned = 0;
	for (uint32_t i = 0; !err && i < accounts->writing_count; i++) {
		const struct route_total *row = &accounts->writing[i];
		uint8_t bytes[ROW_BYTES];

		if (is_nothing(row->total))
			continue; /* one that only came needs no row */
		row_write(row->total, bytes);
		err = mdb_put(txn, accounts->rows,
			      &(MDB_val){ row->peer.len, (void *)row->peer.bytes },
			      &(MDB_val){ sizeof bytes, bytes }, 0);
	}
	return err ? err : keep_limit(accounts, txn);
}

static void add_gone(struct accounts *accounts, const struct route_total *row)
{
	if (accounts->gone_count < ACCOUNTS_GONE_MAX)
		accounts->gone[accounts->gone_count++] = *row;
	else
		accounts->lost++;
}

static bool is_gone(const struct accounts *accounts, const struct vd_peer_id *peer)
{
	for (uint32_t i = 0; i < accounts->gone_count; i++)
		if (vd_peer_id_equal(&accounts->gone[i].peer, peer))
			return true;
	return false;
}

/* Links come again with the next flush; those that left would not. */
static void put_back(struct accounts *accounts)
{
	for (uint32_t i = 0; i < accounts->writing_gone; i++)
		if (!is_gone(accounts, &accounts->writing[i].peer))
			add_gone(accounts, &accounts->writing[i]);
}

ON_CONTROL static void written(void *context, int result)
{
	struct accounts *accounts = context;

	accounts->busy = false;
	if (result) {
		accounts->failed++;
		put_back(accounts);
		if (!accounts->failing)
			vd_log(VD_LOG_ERROR, VD_SUB_ROUTE,
			       "cannot write accounts to link.state; make room on its disk. Until "
			       "then a restart would lose what links carry",
			       VD_STR("file", cp_database_path(accounts->database)),
			       VD_STR("cause", mdb_strerror(result)));
	} else if (accounts->failing) {
		vd_log(VD_LOG_INFO, VD_SUB_ROUTE, "accounts are written to link.state again",
		       VD_STR("file", cp_database_path(accounts->database)));
	}
	if (!result)
		note_pruned(accounts);
	accounts->failing = result != 0;
	free(accounts->writing);
	accounts->writing = NULL;
	accounts->writing_count = accounts->writing_gone = 0;
}

/* False: nothing to write, or no memory to. */
ON_CONTROL static bool collect(struct accounts *accounts, struct route_links *links)
{
	uint32_t room = accounts->gone_count + (links ? route_links_count(links) : 0);

	accounts->writing = room ? calloc(room, sizeof *accounts->writing) : NULL;
	if (!accounts->writing)
		return false;
	memcpy(accounts->writing, accounts->gone, accounts->gone_count * sizeof *accounts->gone);
	accounts->writing_gone = accounts->writing_count = accounts->gone_count;
	accounts->gone_count = 0;
	if (links)
		accounts->writing_count += route_links_totals(
		    links, accounts->failing, accounts->writing + accounts->writing_gone);
	if (accounts->writing_count)
		return true;
	free(accounts->writing);
	accounts->writing = NULL;
	return false;
}

void accounts_flush(struct accounts *accounts, struct route_links *links, vd_ns now)
{
	if (accounts->busy || now < accounts->next)
		return;
	accounts->next = now + VD_SECONDS(ACCOUNTS_FLUSH_S);
	if (!collect(accounts, links))
		return;
	accounts->busy = true;
	cp_database_write_later(accounts->database, accounts->loop, write_rows, written, accounts);
}

void accounts_gone(struct accounts *accounts, const struct vd_peer_id *peer,
		   struct route_account total)
{
	struct route_total row = { .peer = *peer, .total = total };

	if (is_nothing(total))
		return;
	for (uint32_t i = 0; i < accounts->gone_count; i++) {
		if (vd_peer_id_equal(&accounts->gone[i].peer, peer)) {
			accounts->gone[i] = row;
			return;
		}
	}
	add_gone(accounts, &row);
}

void accounts_close(struct accounts *accounts, struct route_links *links)
{
	if (!accounts)
		return;
	while (accounts->busy)
		cp_loop_turn(accounts->loop, vd_now() + VD_MS(10));
	if (collect(accounts, links))
		written(accounts, cp_database_write(accounts->database, write_rows, accounts));
	free_all(accounts);
}

/* ---- reading ---- */

/* What waits, or is being written, is newer than the file. */
struct route_account accounts_find(const struct accounts *accounts, const struct vd_peer_id *peer)
{
	struct route_account total = { 0 };
	MDB_val key = { peer->len, (void *)peer->bytes }, value;
	MDB_txn *txn;

	for (uint32_t i = 0; i < accounts->gone_count; i++)
		if (vd_peer_id_equal(&accounts->gone[i].peer, peer))
			return accounts->gone[i].total;
	for (uint32_t i = 0; i < accounts->writing_count; i++)
		if (vd_peer_id_equal(&accounts->writing[i].peer, peer))
			return accounts->writing[i].total;
	if (mdb_txn_begin(cp_database_env(accounts->database), NULL, MDB_RDONLY, &txn))
		return total;
	if (!mdb_get(txn, accounts->rows, &key, &value))
		total = row_read(vd_bytes(value.mv_data, value.mv_size));
	mdb_txn_abort(txn);
	return total;
}

struct reader {
	accounts_row_fn row;
	void *context;
};

static void tell(void *context, struct vd_bytes key, struct vd_bytes value)
{
	const struct reader *reader = context;
	struct vd_peer_id peer;

	if (!vd_peer_id_of_bytes(key, &peer))
		reader->row(reader->context, &peer, row_read(value));
}

void accounts_each(const struct accounts *accounts, accounts_row_fn row, void *context)
{
	struct reader reader = { row, context };

	(void)cp_database_each(accounts->database, accounts->rows, tell, &reader);
}

uint64_t accounts_failed(const struct accounts *accounts)
{
	return accounts->failed;
}

uint64_t accounts_lost(const struct accounts *accounts)
{
	return accounts->lost;
}

uint64_t accounts_forgotten(const struct accounts *accounts)
{
	return accounts->forgotten;
}
