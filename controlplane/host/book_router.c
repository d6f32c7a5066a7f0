/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/host/book_router.h"

static enum vd_err find(struct peer_router *router, struct peer_search *search)
{
	const struct peer_book *book = ((struct book_router *)router)->book;
	const struct peer_entry *entry = peer_book_find(book, &search->peer);
	struct vd_multiaddr addresses[PEER_BOOK_ADDRESSES];
	size_t count;

	if (!entry)
		return VD_OK;
	count = peer_entry_addresses(entry, vd_unix_ms() * VD_NS_PER_MS, addresses,
				     PEER_BOOK_ADDRESSES);
	if (count)
		search->found(search, addresses, count);
	return VD_OK;
}

static const struct peer_router_class class = { .name = "book", .find = find };

void book_router_init(struct book_router *router, const struct peer_book *book)
{
	*router = (struct book_router){ { &class }, book };
}
