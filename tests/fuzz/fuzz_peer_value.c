/* Targets: controlplane/proto/peer_value (peer_value_decode, peer_value_encode), peer_book_load */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/peer_value.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct vd_peer_id peer = { .len = 38, .bytes = { 0, 36, 8, 1, 18, 32, 7 } };

static size_t encode(const struct peer_book *book, uint8_t out[PEER_VALUE_MAX])
{
	const struct peer_entry *entry = peer_book_find(book, &peer);
	struct vd_write w = vd_write_to(out, PEER_VALUE_MAX);

	if (!entry || peer_value_encode(entry, &w))
		abort(); /* every entry fits */
	return vd_write_len(&w);
}

/* What loads, encodes to a row that loads to the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[PEER_VALUE_MAX], second[PEER_VALUE_MAX];
	const vd_ns now = VD_SECONDS(1000);
	struct peer_value value;
	struct peer_book book;
	size_t len;

	if (sodium_init() < 0 || peer_book_init(&book, 2))
		abort();
	if (!peer_value_decode(vd_bytes(data, size), &value) &&
	    !peer_book_load(&book, &peer, &value, now)) {
		len = encode(&book, first);
		peer_book_forget(&book, &peer);
		if (book.bytes || peer_value_decode(vd_bytes(first, len), &value) ||
		    peer_book_load(&book, &peer, &value, now) || encode(&book, second) != len ||
		    memcmp(first, second, len) != 0)
			abort();
	}
	peer_book_fini(&book);
	return 0;
}
