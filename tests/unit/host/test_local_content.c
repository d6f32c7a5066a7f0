/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/local_content.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/formats/key.h"
#include "base/init.h"

enum { ROOM = 16 };

/* Two of the same bytes. */
#define CID_V0 "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"
#define CID_V1 "bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

static struct dht_provider_table table;
static struct local_content local;
static struct vd_identity self, other;
static size_t found, ends;
static struct vd_peer_id first;

static struct vd_cid cid_of(const char *text)
{
	struct vd_cid cid;

	cr_assert(eq(int, vd_cid_of_text(vd_bytes_of_text(text), &cid), VD_OK));
	return cid;
}

static void on_found(struct content_search *search, const struct content_provider *providers,
		     size_t count)
{
	(void)search;
	first = providers[0].peer;
	for (size_t i = 0; i < count; i++)
		cr_assert(eq(sz, providers[i].count, 0)); /* addresses are the book's */
	found += count;
}

static void on_done(struct content_search *search, enum vd_err err, const char *why)
{
	(void)search;
	(void)err;
	(void)why;
	ends++;
}

static void on_provided(struct content_provide *provide, enum vd_err err, const char *why)
{
	(void)provide;
	(void)err;
	(void)why;
	ends++;
}

static size_t find(const char *text, size_t wanted)
{
	struct content_search search = { .cid = cid_of(text),
					 .deadline = VD_NEVER,
					 .wanted = wanted,
					 .found = on_found,
					 .done = on_done };

	found = ends = 0;
	cr_assert(eq(int, content_router_find(&local.router, &search), VD_OK));
	content_router_cancel_find(&local.router, &search); /* there is nothing to cancel */
	cr_assert(eq(sz, ends, 0));
	return found;
}

static enum vd_err provide(const char *text)
{
	struct content_provide what = { .cid = cid_of(text),
					.deadline = VD_NEVER,
					.done = on_provided };
	enum vd_err err;

	ends = 0;
	err = content_router_provide(&local.router, &what);
	content_router_cancel_provide(&local.router, &what);
	cr_assert(eq(sz, ends, 0));
	return err;
}

static void begin(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	vd_identity_generate(&self);
	vd_identity_generate(&other);
	cr_assert(eq(int, dht_provider_table_init(&table, ROOM), VD_OK));
	local_content_init(&local, &table, &self.id);
}

static void end(void)
{
	dht_provider_table_fini(&table);
}

TestSuite(local_content, .init = begin, .fini = end);

Test(local_content, what_this_node_provides_is_found_under_any_cid_of_it)
{
	cr_assert(eq(sz, find(CID_V1, 0), 0));
	cr_assert(eq(int, provide(CID_V0), VD_OK));
	cr_assert(eq(sz, find(CID_V0, 0), 1));
	cr_assert(eq(sz, find(CID_V1, 0), 1));
	cr_assert(vd_peer_id_equal(&first, &self.id));
}

Test(local_content, what_others_said_is_found_too_as_many_as_wanted)
{
	struct vd_cid cid = cid_of(CID_V1);

	cr_assert(eq(int, provide(CID_V1), VD_OK));
	cr_assert(eq(int,
		     dht_provider_table_add(&table, vd_cid_multihash(&cid), &other.id,
					    vd_unix_ms() * VD_NS_PER_MS + VD_SECONDS(60)),
		     VD_OK));
	cr_assert(eq(sz, find(CID_V0, 0), 2));
	cr_assert(eq(sz, find(CID_V0, 1), 1));
	cr_assert(vd_peer_id_equal(&first, &other.id)); /* the latest */
}

Test(local_content, it_holds_for_the_time_that_is_told)
{
	vd_ns at = vd_unix_ms() * VD_NS_PER_MS;
	vd_ns holds = local.router.class->holds;

	cr_assert(eq(int, provide(CID_V0), VD_OK));
	cr_assert(ge(u64, dht_provider_table_deadline(&table), at + holds));
	cr_assert(
	    le(u64, dht_provider_table_deadline(&table), vd_unix_ms() * VD_NS_PER_MS + holds));
}

Test(local_content, a_full_table_is_told)
{
	struct vd_peer_id peer = other.id;

	for (unsigned i = 0; i < ROOM; i++) {
		peer.bytes[peer.len - 1] = (uint8_t)i;
		cr_assert(eq(int,
			     dht_provider_table_add(&table, vd_bytes_of_text("x"), &peer, VD_NEVER),
			     VD_OK));
	}
	cr_assert(eq(int, provide(CID_V0), VD_ELIMIT));
}
