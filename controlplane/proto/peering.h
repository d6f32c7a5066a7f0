/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * peering: the machine that links and sessions share: who our peers are, the
 * handshakes with them, and the key generations that come of those
 * (switch/SPEC.md, 3, 4, 11, 12; multigram/SPEC.md).
 *
 *   link     datagrams between neighbours; sealed control frames are made and
 *            opened here, with the generation's `control` key
 *   session  the same end to end, in payloads of switch frames; sealed frames
 *            are made and opened by the data plane, plaintexts pass through here
 *
 * Sans-IO: `now` in, events and a deadline out; no socket, no clock. Random
 * bytes are libsodium's, which a simulation may seed. Public-key work of messages that
 * come is handed out as jobs (PEERING_JOB), to be run wherever the host likes, in any order.
 *
 * A peer has at most one link (session); a new handshake with it makes a new
 * generation, which replaces the one before once a frame verified on it; the old
 * one receives for 30 s more.
 *
 * Order of a generation's events: INSTALL, then USE, then UP or REBOOTED where they
 * apply, at last RETIRE. The initiator's first generation gets its USE before the peer
 * has confirmed (frames may go at once); UP always means that the peer confirmed.
 *
 * Glossary: path: how to reach the other side (link: port and addresses; session:
 * link and label). generation: one handshake's keys, named by our receiver index.
 * current: the generation that we send with.
 *
 * Threads: control. Memory: all allocated at init, within the limits of config.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/aead.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/key.h"
#include "base/formats/peer_id.h"
#include "base/time.h"
#include "base/token.h"
#include "controlplane/proto/control_msg.h"
#include "multigram/table.h"
#include "switch/bucket.h"

enum peering_kind { PEERING_LINK, PEERING_SESSION };

enum {
	PEERING_PATH_BYTES = 48,
	PEERING_PREFIX_BYTES = 16,
	PEERING_FRAME_MAX = 1400, /* bytes of a frame in an event */
	PEERING_GENERATIONS = 4,  /* of one peer */
	PEERING_OFFERS = 4,       /* names of `offer` */
	PEERING_TEXT = 64,        /* of a close, with NUL */
	PEERING_HEAD_BYTES = 13,  /* index, receiver index and counter of a frame */
	PEERING_JOBS = 128,       /* handed out at once */
	PEERING_INDICES = 1280,   /* held at most for handshakes and refusals, beside generations */
	PEERING_PROBE_BYTES = 11, /* of a probe, before its padding: at most */
};

/* Opaque here, compared as bytes; zero what is not used. */
struct peering_path {
	uint8_t bytes[PEERING_PATH_BYTES];
};

/* A peer that asks to be let in. */
struct peering_claim {
	const struct vd_peer_id *peer;
	const struct peering_path *path;
	const uint8_t *token_hash; /* 32 bytes, SHA-256 of the token it showed; NULL: none */
};

struct peering_config {
	enum peering_kind kind;
	const struct vd_identity *identity; /* keeps */
	uint64_t boot;                      /* drawn at start, not 0 */
	uint32_t width;                     /* links: our director width; 0: does not switch */
	uint32_t ciphers; /* sessions: bits of enum vd_cipher to take; 0: all that the CPU does */
	uint32_t peers_max;
	vd_ns rekey; /* how long keys are used; 0: links an hour, sessions two minutes */
	const char *offer[PEERING_OFFERS]; /* protocol names we speak inside; NULL ends */
	void *context;                     /* of the functions below */
	/* Whether this peer may have a link (session) with us. */
	bool (*admit)(void *context, const struct peering_claim *claim);
	/*
	 * The token to show to `peer`, whom we dial, once it has proven who it is; returns its
	 * length, 0: none. NULL: never any.
	 */
	size_t (*token)(void *context, const struct vd_peer_id *peer, uint8_t out[VD_TOKEN_MAX]);
	/* A receiver index of the data plane's table, and its return when unused. */
	enum vd_err (*index_reserve)(void *context, uint32_t *index_out);
	/* For an index that was never installed; installed ones come back by RETIRE. */
	void (*index_release)(void *context, uint32_t index);
	/*
	 * Links: the binary multiaddr (/ip…/udp/…) of `path`, to tell the peer what address it
	 * is seen at; returns its length, 0 if there is none. NULL: never any.
	 */
	size_t (*observed)(void *context, const struct peering_path *path, uint8_t *out,
			   size_t cap);
	/*
	 * Whose share of handshakes a path counts to: the IPv4
	 * address, the IPv6 /64 or the ingress link; returns its length, at most
	 * PEERING_PREFIX_BYTES. NULL: the path's first bytes.
	 */
	size_t (*prefix)(void *context, const struct peering_path *path,
			 uint8_t out[PEERING_PREFIX_BYTES]);
	/*
	 * The newest counter that the data plane sent under generation `index`, and about when
	 * that was (0: never); to judge reports of lost frames by. NULL: it sends none.
	 */
	uint64_t (*sent)(void *context, uint32_t index, vd_ns now, vd_ns *at_out);
	/*
	 * Sessions: whether a frame above 2 KiB was sealed under generation `index`: its key
	 * wears out sooner. NULL: none ever is.
	 */
	bool (*sent_long)(void *context, uint32_t index);
	/* Keeps: what limits our own such reports, shared by a node's machines. NULL: none go. */
	struct sw_bucket *lost_reports;
};

enum peering_event_kind {
	PEERING_NONE,       /* drained */
	PEERING_SEND,       /* `frame` as a datagram (link) or switch payload (session) to `path` */
	PEERING_SEND_INNER, /* session: seal `frame` under generation `index`, send it to `path` */
	/* a generation can receive: publish its record under `index`: `generation`, `path` */
	PEERING_INSTALL,
	/* send with generation `index` over `path` from now on; `old_index` (0: none) before */
	PEERING_USE,
	PEERING_GRANTED,    /* `keys->inner` of generation `index` has grown */
	PEERING_RETIRE,     /* generation `index` is over: its keys are wiped */
	PEERING_UP,         /* the peer has a link (session) now, confirmed: after its first USE */
	PEERING_DOWN,       /* the peer has none any more: `status` (OK: silence), `text` */
	PEERING_MOVED,      /* link: the peer proved that it is at `path` now: send there */
	PEERING_REBOOTED,   /* `boot` changed: what was learnt from the peer is void */
	PEERING_REFUSED_BY, /* the peer said no: `status`, `text`; dialling backs off */
	PEERING_DENIED,     /* we refused the peer, by admit */
	PEERING_SILENT,     /* a dialled peer did not answer for 20 s; dialling goes on */
	/* a verified control message of the peer: `frame` is its protobuf, `path` the way it came;
	 * challenges, which are answered here, are told by sessions only */
	PEERING_CONTROL,
	PEERING_PONG,   /* the ping of a peering_ping was answered: `rtt`; not of our own pings */
	PEERING_JOB,    /* public-key work: peering_job_run(`job`), then peering_job_done */
	PEERING_PROBED, /* a ping of peering_probe or peering_ping_id was answered: `id`, `size` */
};

struct peering_keys {
	uint32_t remote_index;
	uint8_t tx_tag_key[16], rx_tag_key[16];   /* links: of switch frames */
	uint8_t tx_aead_key[32], rx_aead_key[32]; /* sessions */
	enum vd_cipher cipher;                    /* sessions */
	uint32_t remote_width;                    /* links */
	bool initiator;
	bool has_token; /* we are the responder, and it showed one */
	uint8_t token_hash[VD_TOKEN_HASH];
	/* the inner indices granted for each name of config.offer; 0: no more. All are received,
	 * the first is sent with. */
	uint8_t inner[PEERING_OFFERS][MG_SAME_NAME];
};

/* Values are valid until the next call of peering_next. */
struct peering_event {
	enum peering_event_kind kind;
	struct vd_peer_id peer; /* len 0 where not yet known (SEND) */
	struct peering_path path;
	uint32_t index;
	uint32_t old_index;
	const struct peering_keys *keys; /* INSTALL; GRANTED: `inner` alone */
	struct vd_bytes frame;           /* SEND, SEND_INNER, CONTROL */
	enum control_status status;
	char text[PEERING_TEXT];
	vd_ns rtt;               /* PONG */
	struct peering_job *job; /* JOB */
	uint64_t id;             /* PROBED */
	size_t size;             /* PROBED: of the plaintext, as it arrived */
};

/* The limits, which turned_away counts. */
enum peering_limit {
	PEERING_LIMIT_HALF_OPEN,  /* 896 of others, the oldest went; 1,024 with our own dials */
	PEERING_LIMIT_PATH,       /* 8 unanswered handshakes from one path: the oldest went */
	PEERING_LIMIT_TRIES,      /* 16 messages 2, or 3, tried a handshake */
	PEERING_LIMIT_INDEX,      /* index_reserve had none */
	PEERING_LIMIT_PEERS,      /* peers_max */
	PEERING_LIMIT_GENERATION, /* 4 generations a peer: the one silent longest went */
	PEERING_LIMIT_REFUSAL,    /* 256 refusals remembered: said once, not again */
	PEERING_LIMIT_PREFIX,     /* 20/s of a prefix: with a cookie, or at message 3 */
	PEERING_LIMIT_BUCKETS,    /* 4,096 prefixes at once: the handshake was dropped */
	PEERING_LIMIT_SETUP,      /* 1/s: setup errors, lists, repeated offers, of a generation */
	PEERING_LIMIT_EVENT,      /* an event did not fit: the caller did not drain */
	PEERING_LIMIT_JOBS, /* 128 jobs out at once, 96 for messages 1: the message was dropped */
	PEERING_LIMITS,
};

/* As in metrics: "half_open", "path", … */
const char *peering_limit_name(enum peering_limit limit);

/* Counters, for metrics; never reset. */
struct peering_stats {
	uint64_t handshakes_begun, handshakes_done, handshakes_failed;
	uint64_t refused;         /* by us */
	uint64_t bad_frames;      /* malformed or not verifying */
	uint64_t unknown_index;   /* types 2, 3 and sealed frames for nothing of ours */
	uint64_t unexpected_peer; /* message 2 of another identity than dialled */
	uint64_t unknown_inner;   /* plaintexts under an inner index that is not in the table */
	uint64_t cookies_asked;   /* for message 1 without a valid one, under load */
	uint64_t cookies_fit;     /* message 1 came with a valid one, under load */
	uint64_t cookies;         /* asked of us, and given */
	/* reports of lost frames: ours, ours that the rate did not let go, the peers' */
	uint64_t lost_sent, lost_limited, lost_believed, lost_disbelieved;
	uint64_t challenges, moves; /* sent to new addresses; answered from there */
	uint64_t jobs_late;         /* results that nobody waited for any more */
	uint64_t turned_away;       /* by a limit: the sum of these */
	uint64_t limits[PEERING_LIMITS];
};

/* One peer, for people. */
struct peering_view {
	struct vd_peer_id peer;
	struct peering_path path;
	uint32_t index; /* current generation; 0: none */
	uint32_t remote_width;
	vd_ns since; /* of UP */
	vd_ns rtt;   /* of the last ping; 0: none yet */
	enum vd_cipher cipher;
	bool dialled; /* we keep it up */
	bool up;
};

struct peering;
struct peering_job;

/* VD_ENOMEM. */
enum vd_err peering_new(const struct peering_config *config, struct peering **peering_out);
/* Closes nothing; wipes and frees. No job may be running; those handed out are gone. */
void peering_free(struct peering *peering);

/*
 * Keeps a link (session) to `peer`, first over `path`: dials, and dials again after
 * loss, with back-off, until undialled. For a known peer: another path than the one in
 * use starts a handshake over it now, the old generation serving until that is done; the
 * same path changes nothing. VD_ELIMIT; VD_EUSER: it is ourselves.
 */
enum vd_err peering_dial(struct peering *peering, const struct vd_peer_id *peer,
			 const struct peering_path *path, vd_ns now);
/* The one that is dialled did not answer: `path` from now on, at the same pace. VD_ENOTFOUND. */
enum vd_err peering_dial_instead(struct peering *peering, const struct vd_peer_id *peer,
				 const struct peering_path *path);
/* A link (session) that is up stays where it is: an unanswered dial over another path ends. */
void peering_undial(struct peering *peering, const struct vd_peer_id *peer, vd_ns now);

/*
 * A frame from the network, hostile until it verifies: index 4 (handshake), 5 (sealed; in
 * sessions only what the data plane knows no index for), 7 (a report of code 0). `path` is the way
 * it came, and the way back. What is wrong with it is counted; the result tells the caller's
 * counters only.
 */
enum vd_err peering_recv(struct peering *peering, const struct peering_path *path,
			 struct vd_bytes frame, vd_ns now);

/*
 * Does a job's work: on any thread, also while the machine is in use, once for each job.
 * Some 0.1 to 0.3 ms of one core.
 */
void peering_job_run(struct peering_job *job);
/*
 * Takes the result of a job that was run, and the job itself; in any order, and whatever became
 * of its handshake meanwhile. The result is that of the frame, as peering_recv would tell it;
 * VD_ENOTFOUND: nobody waits for it any more.
 */
enum vd_err peering_job_done(struct peering *peering, struct peering_job *job, vd_ns now);

/*
 * A switch frame under an index that the data plane does not know: reported to its sender as
 * lost, unless the index is of something that is being set up. VD_ENOTFOUND: unknown here,
 * too.
 */
enum vd_err peering_unknown(struct peering *peering, const struct peering_path *path,
			    const uint8_t head[PEERING_HEAD_BYTES], vd_ns now);

/*
 * Sessions: a plaintext that the data plane opened under `index` (may be empty). `path`: the way
 * it came, by which a challenge is answered; NULL: that of the generation.
 */
enum vd_err peering_recv_inner(struct peering *peering, uint32_t index,
			       const struct peering_path *path, struct vd_bytes plain, vd_ns now);

/*
 * Sessions: the peer was challenged over `path` and answered: handshakes and what else is sent
 * go there from now on. VD_ENOTFOUND.
 */
enum vd_err peering_move(struct peering *peering, const struct vd_peer_id *peer,
			 const struct peering_path *path);

/*
 * The data plane has verified frames under `index` since the last call. Hand over what is
 * for recv and recv_inner first: a refusal verifies, too.
 */
void peering_verified(struct peering *peering, uint32_t index, vd_ns now);

/*
 * Links: the data plane verified a frame of `bytes` bytes under `index`, with the highest
 * counter so far, that came by `path`, which is not the peer's: it is challenged.
 */
void peering_moved(struct peering *peering, uint32_t index, const struct peering_path *path,
		   size_t bytes, vd_ns now);

/* The data plane carried frames with an inner index from 16 up (sessions), or any switch
 * frame with payload (links), under `index`: rekeying is worth it. */
void peering_carried(struct peering *peering, uint32_t index, vd_ns now);

/* The data plane's counters near the limit of generation `index`'s keys. VD_ENOTFOUND. */
enum vd_err peering_rekey(struct peering *peering, uint32_t index, vd_ns now);

/* Seals and sends a control message (protobuf) to an up peer. VD_ENOTFOUND. */
enum vd_err peering_send_control(struct peering *peering, const struct vd_peer_id *peer,
				 struct vd_bytes message, vd_ns now);

/* Links: peers that admit refuses are told SHUTDOWN from now on: this node drains. Or not. */
void peering_set_draining(struct peering *peering, bool draining);

/* Sends a ping now; the answer updates the view's rtt. VD_ENOTFOUND, VD_AGAIN (one is out). */
enum vd_err peering_ping(struct peering *peering, const struct vd_peer_id *peer, vd_ns now);

/*
 * Sessions: the head of a ping request under the peer's current generation, to be padded with
 * zeros, sealed and sent by the caller; its reply comes as PROBED. VD_ENOTFOUND: not up, or the
 * peer does not speak ping.
 */
enum vd_err peering_probe(const struct peering *peering, const struct vd_peer_id *peer, uint64_t id,
			  uint8_t head_out[PEERING_PROBE_BYTES], size_t *len_out);

/* Links: a ping of the caller's own, answered by PROBED with `ping`. VD_ENOTFOUND, VD_AGAIN. */
enum vd_err peering_ping_id(struct peering *peering, const struct vd_peer_id *peer, uint64_t ping,
			    vd_ns now);

/*
 * Tells the peer, and forgets its generations: their RETIRE, then DOWN. Does not undial:
 * a dialled peer is dialled again after the back-off.
 */
void peering_close(struct peering *peering, const struct vd_peer_id *peer,
		   enum control_status status, const char *text, vd_ns now);

/*
 * Next event, PEERING_NONE when drained. Drain after every call above and below, until NONE;
 * calls are allowed meanwhile, and their events queue up behind. Where there is no room
 * left for what a call may cause it does nothing: VD_AGAIN.
 */
struct peering_event peering_next(struct peering *peering);

/*
 * When expire has something to do; VD_NEVER. One expire does as much as its events have
 * room for, and leaves room for another call: while the deadline has come, call it again after
 * draining.
 */
vd_ns peering_deadline(const struct peering *peering);
void peering_expire(struct peering *peering, vd_ns now);

const struct peering_stats *peering_stats(const struct peering *peering);

/* VD_ENOTFOUND. */
enum vd_err peering_find(const struct peering *peering, const struct vd_peer_id *peer,
			 struct peering_view *view_out);
enum vd_err peering_find_index(const struct peering *peering, uint32_t index,
			       struct peering_view *view_out);

/* Iterates all peers: `*at` starts at 0; false at the end. */
bool peering_each(const struct peering *peering, size_t *at, struct peering_view *view_out);
