/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peer_book_state: what the files of peer_book share.
 *
 * Threads and memory: as peer_book.h says.
 */
#include "controlplane/proto/peer_book.h"

/* The entry of a peer, made when there is room; SLOT_NONE with `err_out`. */
uint32_t peer_book_slot(struct peer_book *book, const struct vd_peer_id *peer,
			enum peer_source source, vd_ns now, enum vd_err *err_out);
uint32_t peer_book_slot_of(const struct peer_book *book, const struct vd_peer_id *peer);

/* Its list and its timer follow what it is now; an entry that nothing holds goes. */
void peer_book_settle(struct peer_book *book, uint32_t slot);
void peer_book_heard(struct peer_book *book, uint32_t slot, vd_ns now);
void peer_book_changed(struct peer_book *book, uint32_t slot);

/* A copy that counts as the book's; NULL: no memory. */
uint8_t *peer_book_copy(struct peer_book *book, struct vd_bytes bytes);
void peer_book_free(struct peer_book *book, struct vd_bytes bytes);

/* Takes the place of what was kept; one that is too long leaves none. VD_ENOMEM: there is none. */
enum vd_err peer_entry_keep_envelope(struct peer_book *book, struct peer_entry *entry,
				     struct vd_bytes envelope);

/* Addresses. */
void peer_entry_drop_address(struct peer_book *book, struct peer_entry *entry, uint32_t at);
