/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/multiaddr.h"
#include "controlplane/route/store.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "controlplane/route/store_state.h"
#include "tests/unit/database_folder.h"

static struct vd_peer_id seen_peer;
static struct vd_udp_addr seen_address;
static unsigned seen;

TestSuite(store, .init = make_folder, .fini = remove_folder);

static struct vd_peer_id peer(uint8_t fill)
{
	struct vd_peer_id id = { .len = 38, .bytes = { 0, 36, 8, 1, 18, 32 } };

	memset(id.bytes + 6, fill, 32);
	return id;
}

static struct vd_udp_addr address(uint16_t port)
{
	return (struct vd_udp_addr){ .ip = { [10] = 0xff, 0xff, 198, 18, 0, 1 }, .port = port };
}

static struct route_store *open_store(void)
{
	char why[ROUTE_STORE_WHY] = "";
	struct route_store *store;

	cr_assert(eq(int, (int)route_store_open(loop, path, &store, why), VD_OK), "%s", why);
	return store;
}

static void see(void *context, const struct vd_peer_id *id, const struct vd_udp_addr *at)
{
	(void)context;
	seen_peer = *id;
	seen_address = *at;
	seen++;
}

static unsigned count(struct route_store *store)
{
	seen = 0;
	cr_assert(eq(int, (int)route_store_each(store, see, NULL), VD_OK));
	return seen;
}

/* Polls until what waits is written, or a write failed. */
static void write_all(struct route_store *store, unsigned expected)
{
	uint64_t failed = route_store_failed(store);
	vd_ns until = vd_now() + VD_SECONDS(10);

	while (count(store) != expected && route_store_failed(store) == failed &&
	       vd_now() < until) {
		route_store_poll(store, vd_now());
		cp_loop_turn(loop, vd_now() + VD_MS(1));
	}
}

Test(store, what_was_put_is_there_after_a_restart)
{
	struct route_store *store = open_store();
	struct vd_peer_id a = peer(1);
	struct vd_udp_addr first = address(4001), last = address(4002);

	cr_assert(zero(u32, count(store)));
	route_store_put(store, &a, &first);
	route_store_put(store, &a, &last);
	write_all(store, 1);
	route_store_close(store);
	store = open_store();
	cr_assert(eq(u32, count(store), 1));
	cr_assert(vd_peer_id_equal(&seen_peer, &a));
	cr_assert(zero(int, memcmp(&seen_address, &last, sizeof last)));
	route_store_close(store);
}

Test(store, closing_writes_what_still_waits)
{
	struct route_store *store = open_store();
	struct vd_udp_addr at = address(1);

	for (uint8_t i = 0; i < 100; i++) {
		struct vd_peer_id id = peer(i);
		route_store_put(store, &id, &at);
	}
	route_store_close(store);
	store = open_store();
	cr_assert(eq(u32, count(store), 100));
	route_store_close(store);
}

Test(store, who_is_forgotten_is_not_there_any_more)
{
	struct route_store *store = open_store();
	struct vd_peer_id a = peer(1), b = peer(2);
	struct vd_udp_addr at = address(4001);

	route_store_put(store, &a, &at);
	route_store_put(store, &b, &at);
	write_all(store, 2);
	route_store_put(store, &a, NULL);
	write_all(store, 1);
	cr_assert(eq(u32, count(store), 1));
	cr_assert(vd_peer_id_equal(&seen_peer, &b));
	route_store_close(store);
}

Test(store, a_second_daemon_is_refused_while_the_first_has_it)
{
	struct route_store *first = open_store(), *second = NULL;
	char why[ROUTE_STORE_WHY] = "";

	cr_assert(eq(int, (int)route_store_open(loop, path, &second, why), VD_EUSER));
	cr_assert(ne(ptr, strstr(why, "another daemon does; stop that one"), NULL), "%s", why);
	route_store_close(first);
	route_store_close(open_store());
}

Test(store, a_folder_that_is_not_there_is_an_error_with_its_cure)
{
	struct route_store *store = NULL;
	char why[ROUTE_STORE_WHY] = "";

	cr_assert(
	    eq(int, (int)route_store_open(loop, "/nonexistent/state", &store, why), VD_EUSER));
	cr_assert(ne(ptr, strstr(why, "/nonexistent/state"), NULL));
	cr_assert(ne(ptr, strstr(why, "folder"), NULL));
}

Test(store, a_file_of_something_else_is_an_error_and_stays_as_it_was)
{
	struct route_store *store = NULL;
	char why[ROUTE_STORE_WHY] = "", back[16] = "";
	FILE *file = fopen(path, "w");

	cr_assert(ne(ptr, file, NULL));
	for (unsigned i = 0; i < 1000; i++)
		fputs("not a database\n", file);
	fclose(file);
	cr_assert(eq(int, (int)route_store_open(loop, path, &store, why), VD_EUSER));
	file = fopen(path, "r");
	cr_assert(eq(sz, fread(back, 1, 14, file), 14));
	fclose(file);
	cr_assert(eq(str, back, "not a database"));
}

Test(store, a_full_disk_is_counted_and_the_change_is_kept_for_later)
{
	struct route_store *store = open_store();
	struct rlimit limit, full;
	struct vd_peer_id a = peer(1);
	struct vd_udp_addr at = address(4001);

	/* A file that may not grow stands for a disk without room. */
	signal(SIGXFSZ, SIG_IGN);
	cr_assert(zero(int, getrlimit(RLIMIT_FSIZE, &limit)));
	full = limit;
	full.rlim_cur = 1;
	cr_assert(zero(int, setrlimit(RLIMIT_FSIZE, &full)));
	route_store_put(store, &a, &at);
	write_all(store, 1);
	cr_assert(zero(u32, count(store)));
	cr_assert(eq(u64, route_store_failed(store), 1));
	cr_assert(zero(int, setrlimit(RLIMIT_FSIZE, &limit)));
	route_store_close(store);
	store = open_store();
	cr_assert(eq(u32, count(store), 1), "it was kept");
	route_store_close(store);
}

Test(store, more_changes_than_fit_are_counted)
{
	struct route_store *store = open_store();
	struct vd_udp_addr at = address(4001);

	for (unsigned i = 0; i < ROUTE_STORE_PENDING_MAX + 3; i++) {
		struct vd_peer_id id = peer((uint8_t)i);
		id.bytes[7] = (uint8_t)(i >> 8);
		route_store_put(store, &id, &at);
	}
	cr_assert(eq(u64, route_store_lost(store), 3));
	route_store_close(store);
}

static struct vd_peer_id stranger(uint32_t i)
{
	struct vd_peer_id id = peer(9);

	vd_be32_store(id.bytes + 6, i);
	return id;
}

static int fill_file(void *context, MDB_txn *txn)
{
	struct vd_udp_addr at = address(4001);
	struct vd_multiaddr multiaddr;
	MDB_dbi peers;
	int err = mdb_dbi_open(txn, NULL, 0, &peers);

	(void)context;
	vd_multiaddr_of_link(&at, NULL, &multiaddr);
	for (uint32_t i = 0; !err && i < ROUTE_STORE_ROWS_MAX; i++) {
		struct vd_peer_id id = stranger(i);

		err = mdb_put(txn, peers, &(MDB_val){ id.len, id.bytes },
			      &(MDB_val){ multiaddr.len, multiaddr.bytes }, MDB_APPEND);
	}
	return err;
}

static struct vd_peer_id wanted;
static uint16_t wanted_port;

static void note_wanted(void *context, const struct vd_peer_id *id, const struct vd_udp_addr *at)
{
	(void)context;
	if (vd_peer_id_equal(id, &wanted))
		wanted_port = at->port;
}

/* Of the peer's address in the file; 0: it is not there. */
static uint16_t port_of(struct route_store *store, struct vd_peer_id id)
{
	wanted = id;
	wanted_port = 0;
	cr_assert(eq(int, (int)route_store_each(store, note_wanted, NULL), VD_OK));
	return wanted_port;
}

Test(store, a_full_file_keeps_whom_it_has_and_takes_who_comes_for_who_goes)
{
	struct route_store *store = open_store();
	struct vd_peer_id old = stranger(5), gone = stranger(6), late = peer(1), later = peer(2);
	struct vd_udp_addr moved = address(5005);
	vd_ns until = vd_now() + VD_SECONDS(10);

	cr_assert(zero(int, cp_database_write(store_database(store), fill_file, NULL)));
	route_store_put(store, &late, &moved);
	route_store_put(store, &old, &moved);
	while (!route_store_full(store) && vd_now() < until) {
		route_store_poll(store, vd_now());
		cp_loop_turn(loop, vd_now() + VD_MS(1));
	}
	cr_assert(eq(u64, route_store_full(store), 1));
	route_store_put(store, &gone, NULL);
	route_store_put(store, &later, &moved);
	route_store_close(store);
	store = open_store();
	cr_assert(eq(u32, count(store), ROUTE_STORE_ROWS_MAX));
	cr_assert(all(eq(u16, port_of(store, old), 5005), zero(u16, port_of(store, late)),
		      zero(u16, port_of(store, gone)), eq(u16, port_of(store, later), 5005)));
	route_store_close(store);
}
