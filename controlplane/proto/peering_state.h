/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peering_state: the insides of peering, for its own files alone:
 *
 *	peering.c             the calls of peering.h, and the events
 *	peering_peer.c        peers: their deadlines, back-off, coming and going
 *	peering_generation.c  generations: installing, choosing, retiring
 *	peering_half_open.c   handshakes that are not done: dials, repeats, their end
 *	peering_handshake.c   messages 1 to 3, and refusals
 *	peering_job.c         their public-key work, on its way out and back
 *	peering_path.c        links whose peer speaks from another address
 *	peering_lost.c        reports of frames that nobody knows
 *	peering_load.c        cookies and limits of a responder under load
 *	peering_inner.c       what is inside sealed frames: control, ping
 *	peering_setup.c       and setup
 *
 * Things have numbers (slots.h), and each number of these has a timer; a receiver index
 * finds a generation, a half-open handshake or a refusal through one hash.
 */
#include "controlplane/proto/cookie.h"
#include "controlplane/proto/handshake.h"
#include "controlplane/proto/handshake_job.h"
#include "controlplane/proto/peering.h"
#include "controlplane/proto/prefix_limit.h"
#include "controlplane/proto/seal.h"
#include "controlplane/proto/slots.h"
#include "controlplane/proto/timers.h"

enum {
	HALF_OPEN_MAX = 1024,
	HALF_OPEN_OURS = 128, /* of them, only for handshakes that we begin */
	HALF_OPEN_LOAD = 64,  /* begun by others: cookies are asked for from here on */
	HALF_OPEN_PATH = 8,   /* begun by others over one path */
	TRIES_MAX = 16,       /* messages 2, or true messages 3, tried a handshake */
	JOBS_KEPT = 32,       /* of PEERING_JOBS, not for messages 1, */
	JOBS_OURS = 16,       /* nor for messages 3: those of our own dials */
	SETUPS_MAX = 4,       /* operations in one plaintext */
	REFUSALS_MAX = 256,
	EVENTS_MAX = 64,
	EVENTS_ROOM = 16, /* more than one frame or one deadline causes */
	CONFIRM_HASH_BYTES = 16,
	CHALLENGE_BYTES = 8,
	CANDIDATES = 2, /* addresses of one peer that are challenged at once */
};

#define REPEAT_FIRST     VD_MS(500)
#define REPEAT_MOST      VD_SECONDS(4)
#define HALF_OPEN_LIFE   VD_SECONDS(20)
#define YIELD_WAIT       VD_SECONDS(2)
#define BOTH_FINISHED    VD_SECONDS(5)
#define BACKOFF_FIRST    VD_SECONDS(1)
#define BACKOFF_MOST     VD_SECONDS(60)
#define OLD_GENERATION   VD_SECONDS(30)
#define REKEY_LINK       VD_SECONDS(3600)
#define REKEY_SESSION    VD_SECONDS(120)
#define SILENT_HANDSHAKE VD_SECONDS(45)
#define SILENT_GONE      VD_SECONDS(120)
#define IDLE_GONE        VD_SECONDS(600)
#define PING_EVERY       VD_SECONDS(15)
#define FRAMES_MOST      (UINT64_C(1) << 60) /* of one key */
#define FRAMES_GCM       (UINT64_C(1) << 28) /* the same with AES-GCM, of up to 2 KiB */
#define FRAMES_GCM_LONG  (UINT64_C(1) << 23) /* the same if one of them was longer */
#define PING_WAIT        VD_SECONDS(5)       /* no second one while the first may be answered */

/* Of setup inside sealed frames, at most one a second each, for a generation. */
enum peering_setup_rate { SETUP_ERROR, SETUP_LIST, SETUP_AGAIN, SETUP_RATES };

enum peering_half_open_state {
	HALF_OPEN_SENT_1, /* ours: waits for message 2 */
	HALF_OPEN_SENT_2, /* the peer's: waits for message 3; sent_len 0: 2 is being made */
	HALF_OPEN_SENT_3, /* ours: generation installed; waits for a frame under it */
};

struct peering_half_open {
	enum peering_half_open_state state;
	uint64_t serial; /* never used again; 0: free */
	uint8_t tries;
	bool yielded; /* has waited once for a handshake of the other side */
	bool retried; /* with a cookie, since it was sent last for a reason of its own */
	bool paid;    /* theirs: out of its prefix' share of handshakes from proven addresses */
	struct peering_path path;
	uint32_t peer;         /* ours: whom we dial */
	uint32_t generation;   /* SENT_3 */
	uint32_t older, newer; /* SENT_2: the next ones by age, or SLOT_NONE */
	vd_ns began;
	vd_ns repeat_at, repeat_gap; /* ours */
	struct handshake hs;
};

struct peering_generation {
	uint32_t index;
	uint32_t remote_index;
	uint32_t peer;
	struct peering_path path;
	bool initiator;
	bool confirmed; /* a frame verified, message 3 included */
	bool carried;   /* worth rekeying */
	vd_ns finished; /* when it was confirmed */
	vd_ns verified; /* last frame verified */
	vd_ns sent_at;  /* of the last frame that we had a reason of our own to send */
	vd_ns carried_at;
	vd_ns replaced; /* VD_NEVER: not */
	vd_ns rekey_at;
	uint64_t boot;
	uint32_t remote_width;
	enum vd_cipher cipher;
	uint8_t inner[PEERING_OFFERS][MG_SAME_NAME];
	vd_ns setup_next[SETUP_RATES];
	uint8_t confirm_hash[CONFIRM_HASH_BYTES]; /* responder: of message 3, to know a repeat */
	struct seal seal;                         /* links */
};

/* An address that a peer's frames come from, and that is being challenged. */
struct peering_candidate {
	struct peering_path path;
	uint8_t data[CHALLENGE_BYTES];
	vd_ns began;         /* 0: free */
	vd_ns next;          /* challenge */
	uint64_t came, sent; /* bytes */
};

struct peering_peer {
	struct vd_peer_id id;
	struct peering_path dial_path;
	bool dialled;
	bool redial; /* dial_path is news: handshakes over it, too, although there is a link */
	bool up;
	bool ping_out;
	bool ping_asked;                           /* the one that is out: by peering_ping */
	uint8_t count;                             /* of generations */
	uint32_t generations[PEERING_GENERATIONS]; /* oldest first */
	uint32_t current;                          /* SLOT_NONE: none */
	uint32_t dialling;                         /* our half-open handshake, or SLOT_NONE */
	uint64_t boot;                             /* of the generation adopted last */
	vd_ns backoff, next_dial;
	vd_ns redial_backoff, next_redial; /* of their own: a dead path holds up no rekeying */
	vd_ns since;
	vd_ns lost_at; /* of the last handshake that a report of lost frames caused; 0: none */
	vd_ns rtt, ping_at, ping_sent;
	uint64_t ping_id;
	struct peering_candidate candidates[CANDIDATES];
};

/* A peer we said no to, while its message 3 may be repeated. */
struct peering_refusal {
	uint32_t index;
	struct peering_path path;
	enum control_status status;
	vd_ns until;
	uint8_t confirm_hash[CONFIRM_HASH_BYTES];
	struct seal seal;
};

struct peering_job {
	uint32_t half_open;
	uint64_t serial; /* of it */
	enum handshake_type type;
	struct handshake_job work;
};

struct peering_event_slot {
	struct peering_event event;
	struct peering_keys keys;
	uint8_t frame[PEERING_FRAME_MAX];
};

struct peering {
	struct peering_config config;
	struct handshake_self self;
	struct peering_stats stats;
	uint8_t hash_key[16];
	size_t ping_offer; /* position of /viaduct/ping/1 in offer; PEERING_OFFERS: not there */

	struct slot_pool peer_pool, generation_pool, half_open_pool, refusal_pool, job_pool;
	struct peering_peer *peers;
	struct peering_generation *generations;
	struct peering_half_open *half_opens;
	struct peering_refusal *refusals;
	struct peering_job *jobs; /* [PEERING_JOBS] */

	struct slot_chains by_id;     /* peers */
	struct slot_chains by_path;   /* half-open handshakes */
	struct slot_chains by_index;  /* owners: generations, then half-opens, then refusals */
	struct slot_chains by_remote; /* generations, by the peer's index and the path to it */
	struct timers timers;         /* of half-opens, then refusals, then peers */

	uint32_t half_open_theirs; /* half-open handshakes in SENT_2 */
	uint32_t oldest, newest;   /* of them, or SLOT_NONE */
	uint64_t serial;           /* of the last half-open handshake */
	struct cookie_jar cookies;
	struct prefix_limit prefixes; /* of addresses that have proved themselves, */
	struct prefix_limit unproven; /* and of those that have not */

	struct peering_event_slot *events; /* [EVENTS_MAX], and one more for what does not fit */
	uint32_t event_head, event_tail;
	bool event_taken; /* the one at the tail was handed out */
	bool draining;    /* refusals say SHUTDOWN */
};

/* ---- peering.c ---- */

bool peering_events_have_room(const struct peering *p);
/* An event about a peer (NULL: unknown), with path and text zeroed; never NULL. */
struct peering_event_slot *peering_event_push(struct peering *p, enum peering_event_kind kind,
					      const struct peering_peer *peer);
/* `frame` as it is, to `path`. */
void peering_event_send(struct peering *p, const struct peering_peer *peer,
			const struct peering_path *path, struct vd_bytes frame);
void peering_event_end(struct peering *p, enum peering_event_kind kind,
		       const struct peering_peer *peer, enum control_status status,
		       const char *text);
void peering_limit_hit(struct peering *p, enum peering_limit limit);

enum peering_owner_kind { OWNER_NONE, OWNER_GENERATION, OWNER_HALF_OPEN, OWNER_REFUSAL };
struct peering_owner {
	enum peering_owner_kind kind;
	uint32_t slot;
};
struct peering_owner peering_owner_find(const struct peering *p, uint32_t index);
void peering_owner_add(struct peering *p, enum peering_owner_kind kind, uint32_t slot,
		       uint32_t index);
void peering_owner_del(struct peering *p, enum peering_owner_kind kind, uint32_t slot,
		       uint32_t index);
uint64_t peering_index_hash(uint32_t index);

static inline uint32_t peering_half_open_timer(uint32_t slot)
{
	return slot;
}

static inline uint32_t peering_refusal_timer(uint32_t slot)
{
	return HALF_OPEN_MAX + slot;
}

static inline uint32_t peering_peer_timer(uint32_t slot)
{
	return HALF_OPEN_MAX + REFUSALS_MAX + slot;
}

static inline bool peering_path_equal(const struct peering_path *a, const struct peering_path *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* `span` times 0.75 to 1.25, at random. */
vd_ns peering_jittered(vd_ns span);

/* ---- peering_peer.c ---- */

/* SLOT_NONE. */
uint32_t peering_peer_find(const struct peering *p, const struct vd_peer_id *id);
/* Found or made; SLOT_NONE at peers_max, counted. */
uint32_t peering_peer_get(struct peering *p, const struct vd_peer_id *id);
/* Forgets the peer if nothing is left of it. One that is up goes by peering_peer_gone. */
void peering_peer_put(struct peering *p, uint32_t slot);
void peering_peer_schedule(struct peering *p, uint32_t slot);
void peering_peer_expire(struct peering *p, uint32_t slot, vd_ns now);
/* Dialling failed: next try after the back-off. */
/* Nobody has answered our handshake over `path`: when the next one is due. */
void peering_peer_gave_up(const struct peering *p, struct peering_peer *peer,
			  const struct peering_path *path, vd_ns now);
/* All generations end; DOWN if it was up; the peer is forgotten unless dialled. */
void peering_peer_gone(struct peering *p, uint32_t slot, enum control_status status,
		       const char *text, vd_ns now);
vd_ns peering_peer_heard(const struct peering *p, const struct peering_peer *peer);

/* ---- peering_generation.c ---- */

/* Not in use yet. */
uint32_t peering_generation_install(struct peering *p, uint32_t peer,
				    const struct peering_half_open *half_open,
				    const struct handshake_result *result, bool initiator,
				    vd_ns now);
/* It is sent with over `path` from now on. */
void peering_generation_move(struct peering *p, uint32_t slot, const struct peering_path *path);
/* Sends with it before it is confirmed, if there is nothing else to send with. */
void peering_generation_use_early(struct peering *p, uint32_t slot);
/* A frame verified under it; the first one confirms it. */
void peering_generation_heard(struct peering *p, uint32_t slot, vd_ns now);
void peering_generation_retire(struct peering *p, uint32_t slot);
/* Frames that a key of it has sealed are many enough for another one. */
bool peering_generation_is_worn(const struct peering *p,
				const struct peering_generation *generation, vd_ns now);
/* The peer closed it. */
void peering_generation_closed(struct peering *p, uint32_t slot, enum control_status status,
			       const char *text, vd_ns now);

/* ---- peering_half_open.c ---- */

/* Dials over `path`. VD_ELIMIT. */
enum vd_err peering_half_open_dial(struct peering *p, uint32_t peer,
				   const struct peering_path *path, vd_ns now);
/* With an index of its own, not yet findable. SLOT_NONE: a limit, counted. */
uint32_t peering_half_open_take(struct peering *p, uint32_t *index_out);
/* What was written there can be found, and ends by itself. */
void peering_half_open_add(struct peering *p, uint32_t slot);
/* Of those over paths with the hash of this one; slot_chain_next. */
uint32_t peering_half_open_first(const struct peering *p, const struct peering_path *path);
/* After a change of repeat_at. */
void peering_half_open_schedule(struct peering *p, uint32_t slot);
/* Its last message, once more. */
void peering_half_open_send(struct peering *p, const struct peering_half_open *half_open);
void peering_half_open_repeat_from(struct peering_half_open *half_open, vd_ns now);
void peering_half_open_expire(struct peering *p, uint32_t slot, vd_ns now);
/* Wipes and gives back the slot, and the index unless a generation has it. */
void peering_half_open_free(struct peering *p, uint32_t slot);
/* As free, but the index lives on. */
void peering_half_open_end(struct peering *p, uint32_t slot);

/* ---- peering_handshake.c ---- */

enum vd_err peering_half_open_recv(struct peering *p, const struct peering_path *path,
				   struct vd_bytes frame, vd_ns now);
/* The result of a job whose handshake waits for it. */
enum vd_err peering_half_open_done(struct peering *p, struct peering_job *job, vd_ns now);
/* The same where there is no room for what it causes: as if the message had been lost. */
void peering_half_open_lost(struct peering *p, const struct peering_job *job);
void peering_refusal_free(struct peering *p, uint32_t slot);

/* ---- peering_job.c ---- */

/* NULL: too many are out, counted. */
struct peering_job *peering_job_take(struct peering *p, enum handshake_type type);
/* Hands it to the host, with copies of the half-open handshake `slot` and of `frame`. */
void peering_job_begin(struct peering *p, struct peering_job *job, uint32_t slot,
		       struct vd_bytes frame);
/* Wiped. */
void peering_job_give(struct peering *p, struct peering_job *job);

/* ---- peering_path.c ---- */

/* A frame with the highest counter verified under `slot`, which came by `path`. */
void peering_path_heard(struct peering *p, uint32_t slot, const struct peering_path *path,
			size_t bytes, vd_ns now);
/* Whether this answers a challenge to `path`: the link has moved there. */
bool peering_path_answered(struct peering *p, uint32_t slot, const struct peering_path *path,
			   const uint8_t data[CHALLENGE_BYTES]);
/* A challenge that came by `path` is being answered: counts as sent there. */
void peering_path_answering(struct peering *p, uint32_t slot, const struct peering_path *path);
void peering_path_forget(struct peering_peer *peer);
vd_ns peering_path_deadline(const struct peering_peer *peer);
void peering_path_expire(struct peering *p, struct peering_peer *peer, vd_ns now);

/* ---- peering_lost.c ---- */

/* So that reports find a generation, by its remote index and path; before either changes, del. */
void peering_remote_add(struct peering *p, uint32_t slot);
void peering_remote_del(struct peering *p, uint32_t slot);

/* Counts a frame under an unknown index, and reports it. Always VD_ENOTFOUND. */
enum vd_err peering_lost_send(struct peering *p, const struct peering_path *path,
			      struct vd_bytes frame, vd_ns now);
/* A report, outside or (sessions) as a switch payload. */
enum vd_err peering_lost_recv(struct peering *p, const struct peering_path *path,
			      struct vd_bytes frame, vd_ns now);

/* ---- peering_load.c ---- */

/*
 * Whether a new message 1 may cost us public-key work. VD_AGAIN: a cookie was asked for;
 * VD_ELIMIT: its prefix had its share, counted. `proven_out`: by a cookie.
 */
enum vd_err peering_load_admit(struct peering *p, const struct peering_path *path,
			       const struct handshake_frame *frame, vd_ns now, bool *proven_out);
/* Takes one of the share of a proven address. VD_ELIMIT, counted. */
enum vd_err peering_load_take_share(struct peering *p, const struct peering_path *path, vd_ns now);
/* The responder wants its cookie back: the same message 1 with it, at once. */
enum vd_err peering_cookie_recv(struct peering *p, const struct peering_path *path,
				const struct handshake_frame *frame);

/* ---- peering_inner.c ---- */

enum vd_err peering_sealed_recv(struct peering *p, const struct peering_path *path,
				struct vd_bytes frame, vd_ns now);
enum vd_err peering_inner_recv(struct peering *p, uint32_t generation,
			       const struct peering_path *path, struct vd_bytes plain, vd_ns now);
/* Seals (links) or has sealed (sessions) `body` under an inner index. VD_EBUG_ROOM. */
enum vd_err peering_inner_send(struct peering *p, uint32_t generation,
			       const struct peering_path *path, uint64_t index,
			       struct vd_bytes body);
/* What we make ourselves fits. */
void peering_control_send(struct peering *p, uint32_t generation, const struct peering_path *path,
			  const struct control_msg *msg);
/* What answers message 3, and confirms the generation to the initiator. */
void peering_confirm_send(struct peering *p, uint32_t generation);
void peering_close_send(struct peering *p, uint32_t generation, enum control_status status,
			const char *text);
/* A sealed close, for someone who gets no generation. */
void peering_refusal_send(struct peering *p, struct peering_refusal *refusal);
/* VD_ENOTFOUND without a common ping protocol. */
enum vd_err peering_ping_send_id(struct peering *p, uint32_t slot, uint64_t id, vd_ns now);
enum vd_err peering_ping_send(struct peering *p, uint32_t peer, vd_ns now);
enum vd_err peering_probe_write(const struct peering *p, uint32_t peer, uint64_t id,
				uint8_t head_out[PEERING_PROBE_BYTES], size_t *len_out);

/* ---- peering_setup.c ---- */

/* One operation; what trails it is the next multigram. VD_EPEER_…: as mg_op_read. */
enum vd_err peering_setup_recv(struct peering *p, uint32_t generation, struct vd_bytes in,
			       struct vd_bytes *rest_out, vd_ns now);
/* A multigram came under an index that is not in the table: the peer is told. */
void peering_setup_unknown(struct peering *p, uint32_t generation, uint64_t index, vd_ns now);
/* The name that `index` stands for, as a position in config.offer; PEERING_OFFERS: none. */
size_t peering_setup_offer_of(const struct peering_generation *generation, uint64_t index);
