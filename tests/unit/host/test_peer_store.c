/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/peer_store.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/database_folder.h"

enum { PEERS = 4096 };
static const vd_ns hour = VD_SECONDS(3600);

static void setup(void)
{
	cr_assert(ge(int, sodium_init(), 0));
	make_folder();
}

TestSuite(peer_store, .init = setup, .fini = remove_folder);

static vd_ns unix_now(void)
{
	return vd_unix_ms() * VD_NS_PER_MS;
}

static struct vd_peer_id peer(unsigned number)
{
	struct vd_peer_id id = { .len = 38, .bytes = { 0, 36, 8, 1, 18, 32 } };

	memcpy(id.bytes + 6, &number, sizeof number);
	return id;
}

static const struct vd_bytes public_network;

static struct peer_store *open_store_of(struct vd_bytes network)
{
	char why[PEER_STORE_WHY] = "";
	struct peer_store *store;

	cr_assert(eq(int, (int)peer_store_open(loop, path, network, PEERS, &store, why), VD_OK),
		  "%s", why);
	return store;
}

static struct peer_store *open_store(void)
{
	return open_store_of(public_network);
}

/* Fails, and tells all these. */
static void refuses_of(struct vd_bytes network, const char *what, const char *cure)
{
	char why[PEER_STORE_WHY] = "";
	struct peer_store *store = NULL;

	cr_assert(eq(int, (int)peer_store_open(loop, path, network, PEERS, &store, why), VD_EUSER));
	cr_assert(ne(ptr, strstr(why, path), NULL), "%s", why);
	cr_assert(ne(ptr, strstr(why, what), NULL), "%s", why);
	cr_assert(ne(ptr, strstr(why, cure), NULL), "%s", why);
}

static void refuses(const char *what, const char *cure)
{
	refuses_of(public_network, what, cure);
}

static void add(struct peer_store *store, unsigned number, vd_ns ttl)
{
	struct vd_peer_id id = peer(number);
	struct vd_multiaddr address;

	cr_assert(eq(int, (int)vd_multiaddr_of_text("/ip4/198.18.0.1/tcp/4001", &address), VD_OK));
	cr_assert(
	    eq(int,
	       (int)peer_book_add(peer_store_book(store), &id, vd_bytes(address.bytes, address.len),
				  PEER_TOLD, ttl, unix_now()),
	       VD_OK));
}

static uint32_t count(struct peer_store *store)
{
	return peer_book_count(peer_store_book(store));
}

/* Polls until nothing waits, or a write failed. */
static void write_all(struct peer_store *store)
{
	const struct peer_store_counters *counters = peer_store_counters(store);
	uint64_t writes = counters->writes, failed = counters->writes_failed;
	vd_ns end = vd_now() + VD_SECONDS(20);

	while ((counters->writes == writes || peer_book_changes(peer_store_book(store))) &&
	       counters->writes_failed == failed && vd_now() < end) {
		peer_store_poll(store, VD_NEVER); /* no pause counts */
		cp_loop_turn(loop, vd_now() + VD_MS(1));
	}
}

Test(peer_store, without_a_path_it_is_memory_alone)
{
	char why[PEER_STORE_WHY] = "";
	struct peer_store *store;

	cr_assert(
	    eq(int, (int)peer_store_open(loop, "", public_network, PEERS, &store, why), VD_OK));
	add(store, 1, hour);
	peer_store_poll(store, vd_now());
	cr_assert(eq(u32, count(store), 1));
	peer_store_close(store);
}

Test(peer_store, what_is_known_is_there_after_a_restart)
{
	const struct vd_bytes protocols[] = { vd_bytes_of_text("/ipfs/id/1.0.0") };
	struct peer_store *store = open_store();
	struct vd_peer_id id = peer(1);
	const struct peer_entry *entry;

	add(store, 1, hour);
	cr_assert(
	    eq(int,
	       (int)peer_book_set_protocols(peer_store_book(store), &id, protocols, 1, unix_now()),
	       VD_OK));
	write_all(store);
	peer_store_close(store);
	store = open_store();
	entry = peer_book_find(peer_store_book(store), &id);
	cr_assert(ne(ptr, (void *)(uintptr_t)entry, NULL));
	cr_assert(peer_entry_speaks(entry, "/ipfs/id/1.0.0"));
	cr_assert(eq(u32, entry->address_count, 1));
	cr_assert(eq(u64, peer_store_counters(store)->rows_read, 1));
	peer_store_close(store);
}

/* Signs for `identity`, with one address; the envelope, until the next call. */
static struct vd_bytes sign(struct peer_store *store, const struct vd_identity *identity,
			    uint64_t seq)
{
	static uint8_t envelope[1024];
	struct vd_write w = vd_write_to(envelope, sizeof envelope);
	struct peer_record record = { .peer = identity->id, .seq = seq, .address_count = 1 };
	struct vd_multiaddr address;

	cr_assert(eq(int, (int)vd_multiaddr_of_text("/ip4/198.18.0.1/tcp/4001", &address), VD_OK));
	record.addresses[0] = vd_bytes(address.bytes, address.len);
	cr_assert(eq(int, (int)peer_record_write(&w, identity, &record), VD_OK));
	cr_assert(eq(int, (int)peer_record_read(vd_write_done(&w), &record), VD_OK));
	cr_assert(eq(int,
		     (int)peer_book_add_record(peer_store_book(store), &record, hour, unix_now()),
		     VD_OK));
	return vd_write_done(&w);
}

static struct vd_bytes envelope_of(struct peer_store *store, const struct vd_peer_id *id)
{
	const struct peer_entry *entry = peer_book_find(peer_store_book(store), id);

	cr_assert(ne(ptr, (void *)(uintptr_t)entry, NULL));
	return peer_entry_envelope(entry, unix_now());
}

Test(peer_store, what_a_peer_signed_is_handed_on_after_a_restart_byte_by_byte)
{
	struct peer_store *store = open_store();
	struct vd_identity identity;
	struct peer_record record;
	struct vd_bytes written;

	vd_identity_generate(&identity);
	(void)sign(store, &identity, 1);
	write_all(store);
	written = sign(store, &identity, 2); /* takes the place of the one in the file */
	write_all(store);
	peer_store_close(store);
	store = open_store();
	cr_assert(vd_bytes_equal(envelope_of(store, &identity.id), written));
	cr_assert(eq(int, (int)peer_record_read(envelope_of(store, &identity.id), &record), VD_OK));
	record.seq = 1;
	cr_assert(eq(int,
		     (int)peer_book_add_record(peer_store_book(store), &record, hour, unix_now()),
		     VD_EPEER_REPLAY));
	peer_book_forget(peer_store_book(store), &identity.id);
	write_all(store);
	peer_store_close(store);
	store = open_store();
	cr_assert(zero(u32, count(store)));
	peer_store_close(store);
}

/* Else who has two networks would hand the addresses of one on to the other. */
Test(peer_store, a_file_is_of_one_network)
{
	const struct vd_bytes one = vd_bytes("0123456789abcdef", 16),
			      other = vd_bytes("0123456789abcdee", 16);
	struct peer_store *store = open_store_of(one);

	add(store, 1, hour);
	peer_store_close(store);
	refuses("of another network", "name another file");
	refuses_of(other, "of another network", "name another file");
	store = open_store_of(one);
	cr_assert(eq(u32, count(store), 1));
	peer_store_close(store);
}

Test(peer_store, a_public_file_is_of_no_private_network)
{
	struct peer_store *store = open_store();

	add(store, 1, hour);
	peer_store_close(store);
	refuses_of(vd_bytes("0123456789abcdef", 16), "of another network", "name another file");
}

Test(peer_store, closing_writes_all_that_waits)
{
	struct peer_store *store = open_store();

	for (unsigned i = 0; i < 3 * PEER_BOOK_BATCH; i++)
		add(store, i, hour);
	peer_store_close(store);
	store = open_store();
	cr_assert(eq(u32, count(store), 3 * PEER_BOOK_BATCH));
	peer_store_close(store);
}

/* A child that is killed: no close, no atexit. */
Test(peer_store, what_was_written_survives_a_kill)
{
	pid_t child = fork();
	struct peer_store *store;
	int status;

	if (child == 0) {
		struct cp_loop *own;
		char why[PEER_STORE_WHY];

		if (cp_loop_new(&own))
			_exit(1);
		cp_loop_free(loop);
		loop = own;
		if (peer_store_open(loop, path, public_network, PEERS, &store, why))
			_exit(2);
		for (unsigned i = 0; i < 100; i++)
			add(store, i, hour);
		write_all(store);
		add(store, 1000, hour); /* lost */
		raise(SIGKILL);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, SIGKILL), "it was killed, and failed before");
	store = open_store();
	cr_assert(eq(u32, count(store), 100));
	peer_store_close(store);
}

Test(peer_store, who_is_forgotten_or_expired_leaves_the_file)
{
	struct peer_store *store = open_store();
	struct vd_peer_id id = peer(1);

	add(store, 1, hour);
	add(store, 2, hour);
	add(store, 3, VD_MS(1));
	write_all(store);
	peer_book_forget(peer_store_book(store), &id);
	write_all(store);
	peer_store_close(store);
	store = open_store();
	cr_assert(eq(u32, count(store), 1));
	cr_assert(eq(u64, peer_store_counters(store)->rows_read, 1));
	peer_store_close(store);
}

Test(peer_store, a_smaller_book_keeps_the_latest_and_the_file_follows)
{
	struct peer_store *store = open_store();
	struct vd_peer_id last = peer(99);
	char why[PEER_STORE_WHY] = "";

	for (unsigned i = 0; i < 100; i++) {
		struct vd_peer_id id = peer(i);
		struct vd_multiaddr to;

		cr_assert(eq(int, (int)vd_multiaddr_of_text("/ip4/198.18.0.1/tcp/1", &to), VD_OK));
		cr_assert(
		    eq(int,
		       (int)peer_book_add(peer_store_book(store), &id, vd_bytes(to.bytes, to.len),
					  PEER_TOLD, hour, unix_now() + VD_MS(10) * i),
		       VD_OK));
	}
	peer_store_close(store);
	cr_assert(
	    eq(int, (int)peer_store_open(loop, path, public_network, 10, &store, why), VD_OK));
	cr_assert(eq(u32, count(store), 10));
	cr_assert(ne(ptr, (void *)(uintptr_t)peer_book_find(peer_store_book(store), &last), NULL));
	peer_store_close(store);
	store = open_store();
	cr_assert(eq(u32, count(store), 10));
	peer_store_close(store);
}

/* ---- files that cannot be used ---- */

static void write_file(const void *bytes, size_t len, off_t at)
{
	FILE *file = fopen(path, at ? "r+" : "w");

	cr_assert(ne(ptr, file, NULL));
	cr_assert(zero(int, fseeko(file, at, SEEK_SET)));
	cr_assert(eq(sz, fwrite(bytes, 1, len, file), len));
	cr_assert(zero(int, fclose(file)));
}

Test(peer_store, a_file_of_something_else_is_refused_and_stays)
{
	static char text[20000], back[20000];
	FILE *file;

	memset(text, 'x', sizeof text);
	write_file(text, sizeof text, 0);
	refuses("cannot use", "made by viaductd");
	file = fopen(path, "r");
	cr_assert(eq(sz, fread(back, 1, sizeof back, file), sizeof back));
	fclose(file);
	cr_assert(zero(int, memcmp(text, back, sizeof text)));
}

static int put_other(void *context, MDB_txn *txn)
{
	MDB_val key = { 5, (char[]){ "other" } }, value = { 5, (char[]){ "value" } };
	MDB_dbi names;
	int err = mdb_dbi_open(txn, NULL, 0, &names);

	(void)context;
	return err ? err : mdb_put(txn, names, &key, &value, 0);
}

static int put_newer(void *context, MDB_txn *txn)
{
	MDB_val key = { 6, (char[]){ "format" } }, value = { 15, (char[]){ "viaduct peers 2" } };
	MDB_dbi names;
	int err = mdb_dbi_open(txn, NULL, 0, &names);

	(void)context;
	return err ? err : mdb_put(txn, names, &key, &value, 0);
}

static void put_alone(cp_database_fill_fn fill)
{
	const struct cp_database_config config = { .map_bytes = 1 << 20 };
	struct cp_database *database;
	char why[CP_DATABASE_WHY];

	cr_assert(eq(int, (int)cp_database_open(path, &config, &database, why), VD_OK));
	cr_assert(zero(int, cp_database_write(database, fill, NULL)));
	cp_database_close(database);
}

Test(peer_store, a_database_of_something_else_is_refused)
{
	put_alone(put_other);
	refuses("of something else", "name another file");
}

Test(peer_store, a_file_of_a_newer_daemon_is_refused)
{
	put_alone(put_newer);
	refuses("newer viaductd", "run that one");
}

Test(peer_store, a_file_that_lost_its_end_is_an_error_and_no_crash)
{
	struct peer_store *store = open_store();
	struct stat whole;

	for (unsigned i = 0; i < 1000; i++)
		add(store, i, hour);
	peer_store_close(store);
	cr_assert(zero(int, stat(path, &whole)));
	cr_assert(gt(i64, whole.st_size, 65536));
	cr_assert(zero(int, truncate(path, 3 * 4096)));
	refuses("cannot use", "move it away");
}

Test(peer_store, a_row_that_does_not_read_is_passed_over_and_the_others_are_there)
{
	const struct cp_database_config config = { .map_bytes = 1 << 20, .tables = 1 };
	struct peer_store *store = open_store();
	struct vd_peer_id id = peer(1);
	MDB_val key = { id.len, id.bytes }, value = { 3, (char[]){ "\xff\xff\xff" } };
	struct cp_database *database;
	char why[CP_DATABASE_WHY];
	MDB_dbi table;
	MDB_txn *txn;

	add(store, 1, hour);
	add(store, 2, hour);
	peer_store_close(store);
	cr_assert(eq(int, (int)cp_database_open(path, &config, &database, why), VD_OK));
	cr_assert(zero(int, mdb_txn_begin(cp_database_env(database), NULL, 0, &txn)));
	cr_assert(zero(int, mdb_dbi_open(txn, "peers", 0, &table)));
	cr_assert(zero(int, mdb_put(txn, table, &key, &value, 0)));
	cr_assert(zero(int, mdb_txn_commit(txn)));
	cp_database_close(database);
	store = open_store();
	cr_assert(eq(u32, count(store), 1));
	cr_assert(eq(u64, peer_store_counters(store)->rows_bad, 1));
	peer_store_close(store);
	store = open_store();
	cr_assert(zero(u64, peer_store_counters(store)->rows_bad), "it was deleted");
	peer_store_close(store);
}

Test(peer_store, a_second_daemon_is_refused)
{
	struct peer_store *store = open_store();

	refuses("another daemon does", "stop that one");
	peer_store_close(store);
}

Test(peer_store, a_full_disk_is_counted_and_what_waits_is_kept)
{
	struct peer_store *store = open_store();
	struct rlimit limit, full;

	/* A file that may not grow stands for a disk without room. */
	signal(SIGXFSZ, SIG_IGN);
	cr_assert(zero(int, getrlimit(RLIMIT_FSIZE, &limit)));
	full = limit;
	full.rlim_cur = 1;
	cr_assert(zero(int, setrlimit(RLIMIT_FSIZE, &full)));
	add(store, 1, hour);
	write_all(store);
	cr_assert(eq(u64, peer_store_counters(store)->writes_failed, 1));
	cr_assert(eq(u32, peer_book_changes(peer_store_book(store)), 1));
	cr_assert(zero(int, setrlimit(RLIMIT_FSIZE, &limit)));
	peer_store_close(store);
	store = open_store();
	cr_assert(eq(u32, count(store), 1), "it was kept");
	peer_store_close(store);
}
