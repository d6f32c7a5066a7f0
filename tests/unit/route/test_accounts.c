/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/route/accounts.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "controlplane/route/store_state.h"
#include "tests/unit/route/plane_fixture.h"

static char folder[] = "/tmp/viaduct-accounts-XXXXXX", path[64];
static struct cp_loop *loop;
static struct route_links *links;
static struct route_store *store;
static struct accounts *accounts;
static const uint8_t key[16];

static void open_all(void)
{
	char why[ROUTE_STORE_WHY] = "";

	cr_assert(eq(int, (int)route_store_open(loop, path, &store, why), VD_OK), "%s", why);
	cr_assert(eq(int, (int)accounts_open(loop, store, &accounts), VD_OK));
	links = route_links_new(&plane, 4, 0xfd76);
}

static void close_all(void)
{
	accounts_close(accounts, links);
	route_store_close(store);
	route_links_free(links);
}

static void setup(void)
{
	plane_setup();
	cr_assert(ne(ptr, mkdtemp(folder), NULL));
	snprintf(path, sizeof path, "%s/state", folder);
	cr_assert(eq(int, (int)cp_loop_new(&loop), VD_OK));
	open_all();
}

static void teardown(void)
{
	char lock[80];

	close_all();
	snprintf(lock, sizeof lock, "%s-lock", path);
	cp_loop_free(loop);
	(void)unlink(path);
	(void)unlink(lock);
	(void)rmdir(folder);
	plane_teardown();
}

TestSuite(accounts, .init = setup, .fini = teardown);

/* A link that has carried `frames` of 100 bytes each way; its index. */
static uint32_t link_up(uint8_t who, uint64_t frames)
{
	struct route_install install = { .peer = peer(who), .rx_key = key, .tx_key = key };
	struct sw_link *record;

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(links, &install, 0), VD_OK));
	route_links_use(links, install.index);
	route_links_set_before(links, &install.peer, accounts_find(accounts, &install.peer));
	record = sw_link_find(&plane.links, install.index);
	record->rx_frames = record->tx_counter = frames;
	record->rx_bytes = record->tx_bytes = 100 * frames;
	return install.index;
}

static struct route_account found(uint8_t who)
{
	struct vd_peer_id id = peer(who);

	return accounts_find(accounts, &id);
}

/* Until what was begun is written. */
static void flush(vd_ns now)
{
	accounts_flush(accounts, links, now);
	for (unsigned i = 0; i < 20; i++)
		cp_loop_turn(loop, vd_now() + VD_MS(5));
}

static void gone(uint8_t who)
{
	struct vd_peer_id id = peer(who);

	accounts_gone(accounts, &id, route_links_total(links, route_links_find(links, &id)));
	route_links_drop(links, &id, 0);
}

Test(accounts, totals_outlive_a_clean_end)
{
	link_up(1, 7);
	close_all();
	open_all();
	cr_assert(eq(u64, found(1).rx_frames, 7));
	cr_assert(eq(u64, found(1).tx_bytes, 700));
	cr_assert(zero(u64, found(2).rx_frames));
}

Test(accounts, a_peer_that_comes_back_goes_on_where_it_was)
{
	link_up(1, 7);
	gone(1);
	link_up(1, 5);
	struct vd_peer_id id = peer(1);
	cr_assert(eq(u64, route_links_total(links, route_links_find(links, &id)).rx_frames, 12));
	cr_assert(eq(u64, route_links_account(links, route_links_find(links, &id)).rx_frames, 5));
	flush(VD_SECONDS(10));
	close_all();
	open_all();
	cr_assert(eq(u64, found(1).rx_frames, 12));
}

/* What a killed daemon leaves is what was flushed: read by another one, beside it. */
Test(accounts, a_daemon_that_is_killed_loses_at_most_what_came_since_the_flush)
{
	uint32_t index = link_up(1, 7);

	flush(VD_SECONDS(10));
	sw_link_find(&plane.links, index)->rx_frames = 9;
	flush(VD_SECONDS(19)); /* not yet time */
	cr_assert(eq(u64, found(1).rx_frames, 7));
	flush(VD_SECONDS(20));
	cr_assert(eq(u64, found(1).rx_frames, 9));
}

static void count(void *context, const struct vd_peer_id *id, struct route_account total)
{
	uint64_t *sum = context;

	(void)id;
	*sum += total.rx_frames;
}

Test(accounts, all_rows_are_told_and_addresses_are_not_among_them)
{
	struct vd_udp_addr address = { .ip = { [10] = 0xff, 0xff, 198, 18, 0, 1 }, .port = 4001 };
	struct vd_peer_id id = peer(3);
	uint64_t sum = 0;

	link_up(1, 7);
	link_up(2, 30);
	route_store_put(store, &id, &address);
	close_all();
	open_all();
	accounts_each(accounts, count, &sum);
	cr_assert(eq(u64, sum, 37));
}

/* A file that may not grow, as on a full disk. */
Test(accounts, what_a_full_disk_does_not_take_is_counted_and_written_later)
{
	struct rlimit limit, full;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	full = limit;
	full.rlim_cur = 0;
	link_up(1, 7);
	link_up(2, 3);
	gone(2);
	setrlimit(RLIMIT_FSIZE, &full);
	flush(VD_SECONDS(10));
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_assert(eq(u64, accounts_failed(accounts), 1));
	cr_assert(eq(u64, found(2).rx_frames, 3), "it waits");
	flush(VD_SECONDS(20));
	cr_assert(eq(u64, accounts_failed(accounts), 1));
	cr_assert(eq(u64, found(1).rx_frames, 7));
	cr_assert(eq(u64, found(2).rx_frames, 3));
}

static void count_rows(void *context, const struct vd_peer_id *id, struct route_account total)
{
	(void)id, (void)total;
	++*(size_t *)context;
}

static size_t rows_in_file(void)
{
	size_t rows = 0;

	accounts_each(accounts, count_rows, &rows);
	return rows;
}

Test(accounts, who_carried_nothing_has_no_row)
{
	link_up(1, 0);
	link_up(2, 0);
	link_up(3, 7);
	gone(1);
	flush(VD_SECONDS(10));
	cr_assert(eq(sz, rows_in_file(), 1));
	cr_assert(eq(u64, found(3).rx_frames, 7));
}

/* Somebody of many. */
static struct vd_peer_id stranger(uint32_t i)
{
	struct vd_peer_id id = peer(200);

	vd_be32_store(id.bytes + 6, i);
	return id;
}

static int write_strangers(void *context, MDB_txn *txn)
{
	uint32_t count = *(uint32_t *)context;
	MDB_dbi rows;
	int err = mdb_dbi_open(txn, "accounts", 0, &rows);

	for (uint32_t i = 0; !err && i < count; i++) {
		struct vd_peer_id id = stranger(i);
		uint8_t bytes[32] = { 0 };

		vd_be64_store(bytes + 8, 1000 + i % 100); /* many are alike */
		err = mdb_put(txn, rows, &(MDB_val){ id.len, id.bytes },
			      &(MDB_val){ sizeof bytes, bytes }, 0);
	}
	return err;
}

static void has_strangers(uint32_t count)
{
	cr_assert(zero(int, cp_database_write(store_database(store), write_strangers, &count)));
}

static void flush_all(vd_ns now)
{
	accounts_flush(accounts, links, now);
	close_all();
	open_all();
}

Test(accounts, as_many_rows_as_the_limit_allows_stay)
{
	has_strangers(ACCOUNTS_ROWS_MAX - 1);
	link_up(1, 1);
	flush_all(VD_SECONDS(10));
	cr_assert(eq(sz, rows_in_file(), ACCOUNTS_ROWS_MAX));
}

Test(accounts, above_the_limit_those_that_carried_least_are_forgotten)
{
	struct vd_udp_addr address = { .ip = { [10] = 0xff, 0xff, 198, 18, 0, 1 }, .port = 4001 };
	struct vd_peer_id id = peer(3), heavy = stranger(99), light = stranger(100);

	has_strangers(ACCOUNTS_ROWS_MAX);
	link_up(1, 1); /* 100 bytes each way: the least of all */
	link_up(2, 1000);
	route_store_put(store, &id, &address);
	accounts_flush(accounts, links, VD_SECONDS(10));
	while (!accounts_forgotten(accounts))
		cp_loop_turn(loop, vd_now() + VD_MS(5));
	cr_assert(eq(u64, accounts_forgotten(accounts), ACCOUNTS_ROWS_MAX / 16 + 2));
	cr_assert(eq(sz, rows_in_file(), ACCOUNTS_ROWS_MAX - ACCOUNTS_ROWS_MAX / 16));
	cr_assert(zero(u64, found(1).rx_bytes));
	cr_assert(eq(u64, found(2).rx_bytes, 100000));
	cr_assert(eq(u64, accounts_find(accounts, &heavy).rx_bytes, 1099));
	cr_assert(zero(u64, accounts_find(accounts, &light).rx_bytes));
	cr_assert(zero(u64, accounts_failed(accounts)));
}
