/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * resolver: from addresses with names to addresses without, on a libuv loop: /dns, /dns4, /dns6,
 * /dnsaddr. What an answer means, and the bounds of a walk from name to name, are name_walk's
 * (proto/); this has the time and the number of lookups at once.
 *
 * Answers come in pieces, as lookups end, so that the first may be dialled while others wait.
 *
 * Threads: the loop's; callbacks come from the loop, never from within a call.
 * Memory:  on the heap, about 50 KiB for each that is asked.
 */
#include "controlplane/loop/dns.h"

enum {
	CP_RESOLVER_ASKED_MAX = 128,  /* addresses asked for at once */
	CP_RESOLVER_LOOKUPS_MAX = 32, /* under way at once; others wait their turn */
	CP_RESOLVER_S = 10,           /* for an address, all its lookups */
};

struct cp_resolver;
struct cp_resolver_ask;

struct cp_resolver_answer {
	const struct vd_multiaddr *addresses; /* new ones; borrowed until return */
	size_t count;
	bool done;       /* the last answer */
	enum vd_err err; /* with `done`: VD_OK if any address was found, else why not */
	const char *why; /* with `err`: what, and the cure; borrowed until return */
};
typedef void (*cp_resolver_fn)(void *context, const struct cp_resolver_answer *answer);

struct cp_resolver_counters {
	uint64_t lookups, failed, timed_out, refused; /* refused: above CP_RESOLVER_ASKED_MAX */
};

/* As cp_dns_new. */
enum vd_err cp_resolver_new(const struct cp_dns_config *config, char *why,
			    struct cp_resolver **resolver_out);
/*
 * What was asked is canceled. The memory goes when the loop has let go of it. May be called from
 * a callback.
 */
void cp_resolver_free(struct cp_resolver *resolver);

/*
 * Asks for the addresses behind one that begins with a name (name_walk_needed). `fn` is called
 * until it was with `done`, unless it is canceled. VD_EUSER: that is no name; VD_ELIMIT,
 * VD_ENOMEM: `fn` is not called.
 */
enum vd_err cp_resolver_ask(struct cp_resolver *resolver, const struct vd_multiaddr *address,
			    cp_resolver_fn fn, void *context, struct cp_resolver_ask **ask_out);
/* Before `done` only: `fn` is not called any more. May be called from `fn`. */
void cp_resolver_cancel(struct cp_resolver_ask *ask);

const struct cp_resolver_counters *cp_resolver_counters(const struct cp_resolver *resolver);
