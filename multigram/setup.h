/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * setup: agrees with the other side which index names which protocol
 * (multigram/SPEC.md, sections 5 and 6).
 *
 * Two ways: the machine, over a carrier that loses, reorders and repeats datagrams
 * (inside sealed frames, or bare on another carrier); and three one-shot functions for
 * the Noise payloads of a handshake, where an offer and its answer cannot be lost.
 *
 * An endpoint proposes, and waits; the other commits what it supports, and answers
 * with that; then the proposer commits the same. So what only one side has in its table
 * was always proposed by the other, which repeats until it is answered.
 *
 * Sans-IO: `now` in, packets and a deadline out; random ids are libsodium's, which
 * a simulation may replace (randombytes_set_implementation).
 *
 * Threads: the caller's one thread. Memory: the caller's storage; nothing is allocated.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"
#include "multigram/setup_op.h"
#include "multigram/table.h"

enum mg_role {
	MG_ROLE_INITIATOR, /* of the handshake: assigns even indices */
	MG_ROLE_RESPONDER, /* assigns odd indices */
	MG_ROLE_BARE,      /* no handshake: any; of two proposals the smaller id stands */
};

/* ---- once, inside a handshake ---- */

enum { MG_OFFER_NAMES = 7 }; /* what fits in 512 bytes with names of any length */

/* What an initiator offered, kept until the answer. */
struct mg_offer {
	uint8_t id[MG_ID_BYTES];
	size_t count;
	struct {
		uint64_t index;
		const char *name;
	} entries[MG_OFFER_NAMES];
};

/*
 * Initiator: makes an offer of `names` (keeps them until accept), at 16, 18, …, and
 * writes it, from the codec, to `w`. VD_EBUG_STATE: more than MG_OFFER_NAMES, or not a name;
 * VD_EBUG_ROOM.
 */
enum vd_err mg_setup_offer(struct mg_offer *offer, const char *const *names, size_t count,
			   struct vd_write *w);

/*
 * Responder: reads the initiator's offer, commits to `table` what `names` has of it (of one
 * name MG_SAME_NAME indices, none above MG_INDEX_BYTE), and writes the answer, which is never
 * longer than the offer, lists apart. VD_EPEER_… as mg_op_read;
 * VD_EPEER_STATE when it is not an offer with even indices. `table` is unchanged on failure.
 */
enum vd_err mg_setup_answer(struct mg_table *table, const char *const *names, size_t count,
			    struct vd_bytes offer, struct vd_write *w);

/*
 * Initiator: reads the responder's answer and commits what it grants. VD_EPEER_STATE
 * when it does not answer this offer, or grants what was not offered; `table` is
 * then unchanged.
 */
enum vd_err mg_setup_accept(struct mg_table *table, const struct mg_offer *offer,
			    struct vd_bytes answer);

/* ---- the machine ---- */

enum {
	MG_SETUP_NAMES = 64,               /* supported by one side */
	MG_SETUP_PROPOSALS = 48,           /* of one side, that are not in its table */
	MG_SETUP_ANSWERS = 4,              /* waiting to be sent */
	MG_SETUP_SENDS = 9,                /* of an offer: once, and 8 repeats */
	MG_SETUP_PACKET = 1 + MG_OP_BYTES, /* index 0 and the operation */
};

enum mg_event_kind {
	MG_EVENT_NONE,    /* drained */
	MG_EVENT_ENTRY,   /* `index` names `name` now, on our side */
	MG_EVENT_REFUSED, /* `name`: not granted; bare, an ENTRY may still follow */
	MG_EVENT_FAILED,  /* `name`: no answer to 9 sends; propose again to go on. NULL: the list */
	MG_EVENT_LISTED,  /* the other side's table came, as asked for by mg_setup_list */
	MG_EVENT_PEER_ERROR, /* the other side has no `index`; if we have, it was offered again */
};

struct mg_event {
	enum mg_event_kind kind;
	uint64_t index;
	const char *name; /* static or in the table; NULL where the kind has none */
};

/* Counters, never reset. */
struct mg_setup_stats {
	uint64_t sent, received;
	uint64_t malformed;     /* did not read; includes `unsupported` */
	uint64_t unsupported;   /* in JSON or protobuf, bare */
	uint64_t contradicting; /* entries that no honest side would have sent */
	uint64_t reflected;     /* our own offer came back */
	uint64_t turned_away; /* by a limit: answers, errors and lists not sent, entries omitted */
};

enum mg_proposal_state {
	MG_PROPOSAL_FREE,
	MG_PROPOSAL_OUT,     /* repeated until answered */
	MG_PROPOSAL_REFUSED, /* answered without it */
	MG_PROPOSAL_FAILED,  /* not answered */
};

/*
 * Never forgotten until `index` is in the table, or the other side's proposal for it
 * stands: old copies may be under way.
 */
struct mg_proposal {
	enum mg_proposal_state state;
	bool fresh;     /* not sent yet: others may join its offer */
	bool tell;      /* its state is an event not yet taken */
	uint8_t sent;   /* times */
	uint8_t name;   /* position in names */
	uint16_t index; /* 16 to MG_SETUP_INDEX_END - 1 */
	uint8_t id[MG_ID_BYTES];
	vd_ns due; /* OUT: next repeat, or failure */
};

enum { MG_SETUP_INDEX_END = 272 }; /* our own proposals are below it: 128 of each parity */

struct mg_setup {
	struct mg_table *table;
	const char *const *names;
	size_t name_count;
	enum mg_role role;
	struct mg_proposal proposals[MG_SETUP_PROPOSALS];
	struct mg_proposal list;                        /* an offer without entries */
	uint64_t taken[(MG_SETUP_INDEX_END + 63) / 64]; /* indices the other side proposed */
	struct {
		uint8_t id[MG_ID_BYTES];
		enum mg_codec codec; /* of the offer */
		uint64_t granted;    /* a bit for each position in the table */
	} answers[MG_SETUP_ANSWERS];
	size_t answer_count;
	vd_ns send_at;        /* when the earliest of answers, error, again was asked for */
	uint64_t error_index; /* to be sent when error_out */
	uint64_t again_index; /* to be offered again when again_out */
	uint64_t peer_error;  /* event, when peer_error_in */
	bool error_out, again_out, peer_error_in;
	vd_ns error_next, again_next, listing_next; /* at most one a second each */
	size_t burnt; /* room of proposals that yielded, which stays reserved */
	size_t told;  /* entries of the table that events have told */
	struct mg_setup_stats stats;
};

/*
 * Starts a machine over `table` (keeps it; only the machine adds to it from now on), with
 * the names we support (keeps them; they do not change). Entries already in the table are
 * not told as events. VD_EBUG_STATE: more than MG_SETUP_NAMES, or not a name.
 */
enum vd_err mg_setup_init(struct mg_setup *setup, struct mg_table *table, enum mg_role role,
			  const char *const *names, size_t count);

/*
 * Proposes `name`, one of those supported, unless it is in the table or out already; after
 * REFUSED or FAILED it is proposed again. Names proposed without a send between them share
 * packets. VD_EBUG_STATE: not a supported name; VD_ELIMIT: table or proposals are full.
 */
enum vd_err mg_setup_propose(struct mg_setup *setup, const char *name, vd_ns now);

/* Asks for the other side's table, which tells of proposals whose answer was lost. */
void mg_setup_list(struct mg_setup *setup, vd_ns now);

/*
 * The payload of a multigram with index 0. What trails the operation is the next multigram,
 * to be processed after it, and goes to `rest_out`; it may be empty. VD_EPEER_… as
 * mg_op_read: nothing changed, drop the whole packet. Bare it is read in CBOR only; after a
 * handshake it is authenticated, read in any codec, and answered in the same.
 */
enum vd_err mg_setup_recv(struct mg_setup *setup, struct vd_bytes in, struct vd_bytes *rest_out,
			  vd_ns now);

/* A multigram came whose index is not in the table: tells the other side, once a second. */
void mg_setup_unknown(struct mg_setup *setup, uint64_t index, vd_ns now);

/*
 * Writes the next packet that is due, index 0 included; a multigram may be appended to it.
 * VD_AGAIN: nothing is due. VD_EBUG_ROOM: less than MG_SETUP_PACKET bytes of room.
 * Call until VD_AGAIN, after every call of the above and at the deadline.
 */
enum vd_err mg_setup_send(struct mg_setup *setup, struct vd_write *w, vd_ns now);

/* Next event, MG_EVENT_NONE when drained. */
struct mg_event mg_setup_next(struct mg_setup *setup);

/* When to call send and expire; VD_NEVER. */
vd_ns mg_setup_deadline(const struct mg_setup *setup);

/* Gives up what was sent 9 times and had 8 s more for its answer. */
void mg_setup_expire(struct mg_setup *setup, vd_ns now);
