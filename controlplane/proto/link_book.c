/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/link_book.h"

#include <stdlib.h>

struct row {
	struct vd_peer_id peer; /* len 0: free */
	uint64_t order;         /* of the last word */
	struct link_addresses addresses;
};

struct link_book {
	struct link_book_counters counters;
	uint64_t words;
	uint32_t count, capacity;
	struct row rows[];
};

enum vd_err link_book_new(uint32_t peers_max, struct link_book **book_out)
{
	struct link_book *book = calloc(1, sizeof *book + peers_max * sizeof book->rows[0]);

	if (!book)
		return VD_ENOMEM;
	book->capacity = peers_max;
	*book_out = book;
	return VD_OK;
}

void link_book_free(struct link_book *book)
{
	free(book);
}

static const struct row *row_of(const struct link_book *book, const struct vd_peer_id *peer)
{
	for (uint32_t i = 0; i < book->count; i++)
		if (vd_peer_id_equal(&book->rows[i].peer, peer))
			return &book->rows[i];
	return NULL;
}

/* The peer's, a new one, or that of who was silent longest. */
static struct row *row_for(struct link_book *book, const struct vd_peer_id *peer)
{
	const struct row *found = row_of(book, peer);
	struct row *oldest = &book->rows[0];

	if (found)
		return &book->rows[found - book->rows];
	if (book->count < book->capacity)
		return &book->rows[book->count++];
	for (uint32_t i = 1; i < book->count; i++)
		if (book->rows[i].order < oldest->order)
			oldest = &book->rows[i];
	book->counters.displaced++;
	return oldest;
}

static void forget(struct link_book *book, const struct vd_peer_id *peer)
{
	const struct row *row = row_of(book, peer);

	if (row)
		book->rows[row - book->rows] = book->rows[--book->count];
}

void link_book_set(struct link_book *book, const struct vd_peer_id *peer,
		   const struct link_addresses *addresses)
{
	book->counters.told++;
	book->counters.refused += addresses->refused;
	if (addresses->count)
		*row_for(book, peer) = (struct row){ *peer, ++book->words, *addresses };
	else
		forget(book, peer);
}

const struct link_addresses *link_book_find(const struct link_book *book,
					    const struct vd_peer_id *peer)
{
	const struct row *row = row_of(book, peer);

	return row ? &row->addresses : NULL;
}

uint32_t link_book_count(const struct link_book *book)
{
	return book->count;
}

const struct link_book_counters *link_book_counters(const struct link_book *book)
{
	return &book->counters;
}
