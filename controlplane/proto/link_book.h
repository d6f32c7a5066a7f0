/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * link_book: which peers told which link addresses (link_addresses.h), for dialling them by their
 * id alone. The latest word of a peer counts; a peer that told none is not in it. When it is full,
 * the peer that was silent longest makes room.
 *
 * Threads: one. Memory: all of it is taken by new.
 */
#include "controlplane/proto/link_addresses.h"

enum { LINK_BOOK_PEERS = 1024 };

struct link_book;

struct link_book_counters {
	uint64_t told;      /* messages */
	uint64_t refused;   /* addresses in them that were left out */
	uint64_t displaced; /* peers that made room */
};

/* VD_ENOMEM. */
enum vd_err link_book_new(uint32_t peers_max, struct link_book **book_out);
void link_book_free(struct link_book *book); /* NULL is allowed */

/* In place of what the peer told before. */
void link_book_set(struct link_book *book, const struct vd_peer_id *peer,
		   const struct link_addresses *addresses);
/* NULL: none are known. Valid until the next set. */
const struct link_addresses *link_book_find(const struct link_book *book,
					    const struct vd_peer_id *peer);
uint32_t link_book_count(const struct link_book *book);
const struct link_book_counters *link_book_counters(const struct link_book *book);
