/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/book_router.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/formats/key.h"
#include "base/init.h"

static struct peer_book book;
static struct book_router router;
static struct vd_identity peer, other;
static struct peer_search search;
static struct vd_multiaddr found[PEER_BOOK_ADDRESSES];
static size_t count, calls, ends;

static void on_found(struct peer_search *of, const struct vd_multiaddr *addresses, size_t more)
{
	cr_assert(of == &search);
	calls++;
	for (size_t i = 0; i < more; i++)
		found[count++] = addresses[i];
}

static void on_done(struct peer_search *of, enum vd_err err, const char *why)
{
	(void)of;
	(void)err;
	(void)why;
	ends++;
}

static vd_ns unix_now(void)
{
	return vd_unix_ms() * VD_NS_PER_MS;
}

static void learn(const char *text, enum peer_source source, vd_ns ttl, vd_ns now)
{
	struct vd_multiaddr address;

	cr_assert(eq(int, vd_multiaddr_of_text(text, &address), VD_OK));
	cr_assert(eq(
	    int,
	    peer_book_add(&book, &peer.id, vd_bytes(address.bytes, address.len), source, ttl, now),
	    VD_OK));
}

static enum vd_err find(const struct vd_peer_id *id)
{
	search = (struct peer_search){
		.peer = *id, .deadline = VD_NEVER, .found = on_found, .done = on_done
	};
	count = calls = ends = 0;
	return peer_router_find(&router.router, &search);
}

static void begin(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	vd_identity_generate(&peer);
	vd_identity_generate(&other);
	cr_assert(eq(int, peer_book_init(&book, 16), VD_OK));
	book_router_init(&router, &book);
}

static void end(void)
{
	peer_book_fini(&book);
}

TestSuite(book_router, .init = begin, .fini = end);

Test(book_router, tells_what_the_book_has_the_best_source_first)
{
	char text[VD_MULTIADDR_TEXT];

	learn("/ip4/8.8.8.8/tcp/1", PEER_HEARSAY, VD_SECONDS(60), unix_now());
	learn("/ip4/8.8.4.4/tcp/2", PEER_TOLD, VD_SECONDS(60), unix_now());
	cr_assert(eq(int, find(&peer.id), VD_OK));
	cr_assert(eq(sz, calls, 1));
	cr_assert(eq(sz, ends, 0)); /* it answers within the call */
	cr_assert(eq(sz, count, 2));
	cr_assert(eq(str, (char *)vd_multiaddr_text(&found[0], text), "/ip4/8.8.4.4/tcp/2"));
	cr_assert(eq(str, (char *)vd_multiaddr_text(&found[1], text), "/ip4/8.8.8.8/tcp/1"));
}

Test(book_router, tells_nothing_of_a_stranger)
{
	learn("/ip4/8.8.8.8/tcp/1", PEER_TOLD, VD_SECONDS(60), unix_now());
	cr_assert(eq(int, find(&other.id), VD_OK));
	cr_assert(eq(sz, calls, 0));
}

Test(book_router, tells_nothing_that_holds_no_more)
{
	learn("/ip4/8.8.8.8/tcp/1", PEER_TOLD, VD_SECONDS(60), unix_now() - VD_SECONDS(61));
	cr_assert(eq(int, find(&peer.id), VD_OK));
	cr_assert(eq(sz, calls, 0));
}

Test(book_router, has_nothing_to_cancel)
{
	cr_assert(eq(int, find(&peer.id), VD_OK));
	peer_router_cancel(&router.router, &search);
}
