/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What `viaduct accounts` tells where there are more peers than one answer has room for. */
#include <stdlib.h>
#include <unistd.h>

#include "controlplane/daemon/accounts_api.h"
#include "controlplane/route/store_state.h"
#include "tests/unit/daemon/told.h"
#include "tests/unit/route/plane_fixture.h"

enum { TOLD = 10000, ROWS = 25000, LINKED = 2 };

static char folder[] = "/tmp/viaduct-told-XXXXXX", path[64];
static struct node node;
static const uint8_t key[16];

/* ---- a file of rows ---- */

static struct vd_peer_id numbered(uint32_t i)
{
	struct vd_peer_id id = peer(7);

	vd_be32_store(id.bytes + 6, i);
	return id;
}

/* Row i has carried i bytes. */
static int write_rows(void *context, MDB_txn *txn)
{
	MDB_dbi rows;
	int err = mdb_dbi_open(txn, "accounts", 0, &rows);

	(void)context;
	for (uint32_t i = 1; !err && i <= ROWS; i++) {
		struct vd_peer_id id = numbered(i);
		uint8_t bytes[32] = { 0 };

		vd_be64_store(bytes + 24, i);
		err = mdb_put(txn, rows, &(MDB_val){ id.len, id.bytes },
			      &(MDB_val){ sizeof bytes, bytes }, 0);
	}
	return err;
}

static void link_with(uint32_t i)
{
	struct route_install install = { .peer = numbered(i), .rx_key = key, .tx_key = key };

	cr_assert(eq(int, (int)sw_link_reserve(&plane.links, &install.index), VD_OK));
	cr_assert(eq(int, (int)route_links_install(node.links, &install, 0), VD_OK));
	route_links_use(node.links, install.index);
}

static void setup(void)
{
	char why[ROUTE_STORE_WHY] = "";

	plane_setup();
	cr_assert(ne(ptr, mkdtemp(folder), NULL));
	snprintf(path, sizeof path, "%s/state", folder);
	cr_assert(eq(int, (int)cp_loop_new(&node.loop), VD_OK));
	cr_assert(eq(int, (int)route_store_open(node.loop, path, &node.store, why), VD_OK), "%s",
		  why);
	cr_assert(eq(int, (int)accounts_open(node.loop, node.store, &node.accounts), VD_OK));
	node.links = route_links_new(&plane, 4, 0xfd76);
}

static void teardown(void)
{
	char lock[80];

	json_decref(answer);
	accounts_close(node.accounts, NULL);
	route_store_close(node.store);
	route_links_free(node.links);
	cp_loop_free(node.loop);
	snprintf(lock, sizeof lock, "%s-lock", path);
	(void)unlink(path);
	(void)unlink(lock);
	(void)rmdir(folder);
	plane_teardown();
}

TestSuite(accounts_api, .init = setup, .fini = teardown, .timeout = 60);

static json_int_t number_of(size_t row, const char *field)
{
	return json_integer_value(
	    json_object_get(json_array_get(json_object_get(answer, "accounts"), row), field));
}

Test(accounts_api, an_answer_has_those_that_are_linked_and_then_those_that_carried_most)
{
	cr_assert(zero(int, cp_database_write(store_database(node.store), write_rows, NULL)));
	link_with(1);
	link_with(ROWS);
	node_action_accounts(&node, NULL, NULL);
	cr_assert(eq(sz, json_array_size(json_object_get(answer, "accounts")), TOLD));
	cr_assert(eq(i64, json_integer_value(json_object_get(answer, "left_out")), ROWS - TOLD));
	cr_assert(eq(i64, number_of(0, "peer") + number_of(1, "peer"), 1 + ROWS));
	for (size_t i = LINKED; i < TOLD; i++)
		cr_assert(eq(i64, number_of(i, "peer"), (json_int_t)(ROWS + 1 - i)));
}

Test(accounts_api, without_a_file_those_that_are_linked_are_told)
{
	struct accounts *accounts = node.accounts;

	node.accounts = NULL;
	link_with(5);
	node_action_accounts(&node, NULL, NULL);
	node.accounts = accounts;
	cr_assert(eq(i64, number_of(0, "peer"), 5));
	cr_assert(zero(i64, json_integer_value(json_object_get(answer, "left_out"))));
}
