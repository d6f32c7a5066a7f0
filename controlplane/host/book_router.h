/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * book_router: the book of peers (proto/peer_book.h) as the first of the peer routers: what this
 * node has heard of a peer's addresses, the best source first. It answers within the call.
 *
 * Threads: the book's. Memory: the caller's; the book is kept until the last search.
 */
#include "controlplane/host/peer_router.h"
#include "controlplane/proto/peer_book.h"

struct book_router {
	struct peer_router router;
	const struct peer_book *book;
};

void book_router_init(struct book_router *router, const struct peer_book *book);
