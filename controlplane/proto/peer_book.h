/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peer_book: what a host knows of other peers: addresses with how long they hold and who said so,
 * protocols, public key, agent, latency.
 *
 * An address has one of three sources. What the peer signed (a peer record, RFC 0003) beats what
 * it told us unsigned, and that beats hearsay: a lesser source neither displaces an address of a
 * greater one nor makes it hold longer. Of two records the one with the greater seq holds: what is
 * in the older one alone is dropped. Addresses of a connected peer hold until it leaves. The latest
 * record's envelope is kept as it was signed (RFC 0003: peers should), to be handed on.
 *
 * Bounded: when there is no room for a peer, the one that we have heard of longest ago and that is
 * not connected goes, of those we know by hearsay alone first; for hearsay none but these. Each
 * limit counts what it turned away. A peer that is neither connected nor has an address is
 * forgotten.
 *
 *	known peer: heard (hearsay alone) -> told or signed -> connected -> told or signed -> gone
 *
 * Threads: one at a time. Time: `now` is nanoseconds since 1970 (vd_unix_ms), as what is in here
 * outlives the process. Memory: the heap; entries are borrowed until the book's next change.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/multiaddr.h"
#include "base/formats/peer_id.h"
#include "base/time.h"
#include "controlplane/proto/peer_record.h"
#include "controlplane/proto/slots.h"
#include "controlplane/proto/timers.h"

enum {
	PEER_BOOK_PEERS = 65536,       /* a book's usual size */
	PEER_BOOK_ADDRESSES = 32,      /* of a peer */
	PEER_BOOK_ADDRESS_BYTES = 255, /* of an address, without the peer's own /p2p */
	PEER_BOOK_PROTOCOLS = 128,     /* of a peer */
	PEER_BOOK_PROTOCOL_BYTES = 4096,
	PEER_BOOK_KEY_BYTES = 2048,
	PEER_BOOK_ENVELOPE_BYTES = 4096, /* stock peers' have some hundred */
	PEER_BOOK_AGENT = 64,
	PEER_BOOK_BYTES = 64 << 20, /* of all that entries point to */
	PEER_BOOK_GONE = 4096,      /* peers that are to be deleted from a file */
	PEER_BOOK_BATCH = 1024,     /* changes that one transaction takes */
};

/* Why so long: docs/decisions/0022. */
#define PEER_TTL_HEARSAY VD_SECONDS(600)
#define PEER_TTL_SEEN    VD_SECONDS(86400) /* told or signed; after the peer left */

enum peer_source { PEER_HEARSAY, PEER_TOLD, PEER_SIGNED };

struct peer_address {
	vd_ns expires;
	enum peer_source source;
	struct vd_bytes bytes; /* a valid multiaddr, without the peer's own /p2p */
};

/* Read it; only the functions below write. */
struct peer_entry {
	struct vd_peer_id peer;
	struct peer_address *addresses; /* the best source first */
	uint32_t address_count, address_room;
	uint32_t protocol_count;
	struct vd_bytes protocols; /* texts, a NUL after each */
	struct vd_bytes key;       /* public key's protobuf; empty: not known, or in the peer id */
	char agent[PEER_BOOK_AGENT]; /* printable characters alone */
	uint64_t record_seq;
	bool has_record;
	struct vd_bytes envelope; /* of that record; read it by peer_entry_envelope */
	bool changed, stored;     /* since it was last taken for the file; in the file */
	uint32_t connections;
	vd_ns heard;                         /* the last news of it */
	vd_ns latency;                       /* moving; 0: not measured */
	uint32_t newer, older;               /* of its list */
	uint32_t next_changed, prev_changed; /* of those to be written */
	unsigned list;
};

struct peer_book_counters {
	uint64_t peers_evicted; /* room for others */
	uint64_t peers_expired; /* nothing known of them holds any more */
	uint64_t peers_refused; /* no room */
	uint64_t addresses_expired;
	uint64_t addresses_displaced; /* by better ones of the peer */
	uint64_t addresses_refused; /* not valid, a link's, another peer's, too many or too long */
	uint64_t records_old;       /* we have a newer one */
	uint64_t envelopes_refused; /* too long to be kept; their addresses are */
	uint64_t protocols_refused;
	uint64_t deletions_lost; /* rows of the file that will be read once more */
};

struct peer_list { /* slots, by when they were heard of */
	uint32_t newest, oldest;
};

enum { PEER_LIST_HEARD, PEER_LIST_KNOWN, PEER_LIST_CONNECTED, PEER_LISTS };

struct peer_book {
	struct peer_entry **entries; /* [slots] */
	struct slot_pool pool;
	struct slot_chains by_peer;
	struct timers expiry; /* of the address that ends next; not of connected ones */
	struct peer_list lists[PEER_LISTS];
	uint32_t first_changed, last_changed, changed_count;
	struct vd_peer_id *gone; /* [PEER_BOOK_GONE + PEER_BOOK_BATCH] */
	uint32_t gone_count;
	size_t bytes;
	bool tracks; /* changes are wanted */
	uint8_t hash_key[16];
	struct peer_book_counters counters;
};

/* A book of at most `peers`. VD_ENOMEM: only fini it. */
enum vd_err peer_book_init(struct peer_book *book, uint32_t peers);
void peer_book_fini(struct peer_book *book);

/* ---- reading ---- */

/* NULL: nothing is known. Addresses may have expired meanwhile: peer_entry_addresses. */
const struct peer_entry *peer_book_find(const struct peer_book *book,
					const struct vd_peer_id *peer);
static inline uint32_t peer_book_count(const struct peer_book *book)
{
	return book->pool.count;
}
/* Connected ones first, then those who told us, then hearsay; each by the latest news. */
void peer_book_each(const struct peer_book *book,
		    void (*fn)(void *context, const struct peer_entry *entry), void *context);

/* Those that still hold, the best source first; returns how many. */
size_t peer_entry_addresses(const struct peer_entry *entry, vd_ns now, struct vd_multiaddr *out,
			    size_t max);
bool peer_entry_speaks(const struct peer_entry *entry, const char *protocol);
/*
 * The signed envelope of its latest record, for whoever asks others about the peer: byte by byte as
 * the peer signed it, and verified when it came; what gets it verifies it again. Empty: there is
 * none, it was above PEER_BOOK_ENVELOPE_BYTES, or no address of it holds any more.
 */
struct vd_bytes peer_entry_envelope(const struct peer_entry *entry, vd_ns now);
/* The text after `previous`, NULL for the first; NULL at the end. */
const char *peer_entry_next_protocol(const struct peer_entry *entry, const char *previous);

/* ---- learning ---- */

/*
 * An address, as bytes from anywhere. VD_EPEER_FORMAT, VD_EPEER_RANGE, VD_EPEER_UNSUPPORTED (a
 * link's address), VD_EPEER_AUTH (it ends in another peer's /p2p); VD_ELIMIT: no room, or better
 * ones are there; VD_ENOMEM.
 */
enum vd_err peer_book_add(struct peer_book *book, const struct vd_peer_id *peer,
			  struct vd_bytes address, enum peer_source source, vd_ns ttl, vd_ns now);

/*
 * The addresses of a record that peer_record_read has verified, or some of them, and a copy of its
 * envelope. VD_EPEER_REPLAY: we have a newer one, nothing was taken; VD_ELIMIT, VD_ENOMEM.
 * Addresses that are not valid, and an envelope that is too long, are counted and passed over.
 */
enum vd_err peer_book_add_record(struct peer_book *book, const struct peer_record *record,
				 vd_ns ttl, vd_ns now);

/*
 * What the peer told of itself replaces what was there. Protocols that are no printable text, or
 * beyond the limits, are counted and passed over. VD_ELIMIT, VD_ENOMEM.
 */
enum vd_err peer_book_set_protocols(struct peer_book *book, const struct vd_peer_id *peer,
				    const struct vd_bytes *protocols, size_t count, vd_ns now);
enum vd_err peer_book_set_agent(struct peer_book *book, const struct vd_peer_id *peer,
				struct vd_bytes agent, vd_ns now);
/* VD_EPEER_AUTH: it is not that peer's key; VD_EPEER_RANGE. One that is in the id is not kept. */
enum vd_err peer_book_set_key(struct peer_book *book, const struct vd_peer_id *peer,
			      struct vd_bytes key, vd_ns now);
/* A measured round trip: the latency moves a tenth of the way. Nothing, if the peer is unknown. */
void peer_book_measured(struct peer_book *book, const struct vd_peer_id *peer, vd_ns rtt);

/* Each connection that opens, and closes. VD_ELIMIT, VD_ENOMEM: then do not tell of its end. */
enum vd_err peer_book_connected(struct peer_book *book, const struct vd_peer_id *peer, vd_ns now);
void peer_book_disconnected(struct peer_book *book, const struct vd_peer_id *peer, vd_ns now);

/* Not while it is connected. */
void peer_book_forget(struct peer_book *book, const struct vd_peer_id *peer);

/* When the next address ends, VD_NEVER: none will. */
static inline vd_ns peer_book_deadline(const struct peer_book *book)
{
	return timers_next(&book->expiry);
}
void peer_book_expire(struct peer_book *book, vd_ns now);

/* ---- a file behind it ---- */

struct peer_change {
	struct vd_peer_id peer;
	const struct peer_entry *entry; /* NULL: its row is to be deleted */
};

/* From now on changes are remembered. */
void peer_book_track(struct peer_book *book);
/* The next change, deletions first; it counts as written. False: there is none. */
bool peer_book_take_change(struct peer_book *book, struct peer_change *change_out);
/* It was not written after all. */
void peer_book_put_back(struct peer_book *book, const struct vd_peer_id *peer);
static inline uint32_t peer_book_changes(const struct peer_book *book)
{
	return book->changed_count + book->gone_count;
}

/*
 * A row of the file: it is there, not changed. Rows are given by when they were heard of, the
 * oldest first. VD_ELIMIT: nothing of it holds any more, or there is no room; VD_ENOMEM.
 */
struct peer_value;
enum vd_err peer_book_load(struct peer_book *book, const struct vd_peer_id *peer,
			   const struct peer_value *value, vd_ns now);
