/* Targets: controlplane/proto/link_addresses.c, link_book.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "controlplane/proto/link_book.h"

/* The peer of the corpus. */
static const char peer_text[] = "12D3KooWPA6ax6t3jqTyGq73Zm1RmwppYqxaXzrtarfcTWGp5Wzx";

/* What was read can be written, and reads the same; the book has it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[LINK_ADDRESSES_BYTES];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct link_addresses first, second;
	struct link_book *book;
	struct vd_peer_id peer;

	if (vd_peer_id_of_text(peer_text, &peer))
		abort();
	if (link_addresses_read(vd_bytes(data, size), &peer, IP_RESERVED, &first))
		return 0;
	if (first.count > LINK_ADDRESSES || link_addresses_write(&first, &peer, &w) ||
	    link_addresses_read(vd_write_done(&w), &peer, IP_RESERVED, &second))
		abort();
	first.refused = 0;
	if (memcmp(&first, &second, sizeof first) != 0 || link_book_new(1, &book))
		abort();
	link_book_set(book, &peer, &first);
	if ((link_book_find(book, &peer) != NULL) != (first.count != 0))
		abort();
	link_book_free(book);
	return 0;
}
