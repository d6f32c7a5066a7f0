/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * dns: single DNS lookups on a libuv loop, by c-ares: over UDP, and over TCP where an answer was
 * cut. A and AAAA look into /etc/hosts first. Names are taken as they are: no search domains.
 *
 * Threads: the loop's. Callbacks may come from within cp_dns_look_up.
 * Memory:  on the heap. What is handed to callbacks is borrowed by them.
 */
#include <stddef.h>

#include "base/bytes.h"
#include "base/err.h"
#include "controlplane/proto/name_walk.h"

enum {
	CP_DNS_TIMEOUT_MS = 2000, /* to the first answer of a server; then twice that, once */
	CP_DNS_TRIES = 2,
	CP_DNS_WHY = 160,
};

struct uv_loop_s;
struct cp_dns;

struct cp_dns_config {
	struct uv_loop_s *loop;
	/* A server_list (base/formats/); NULL or "": those of /etc/resolv.conf. */
	const char *servers;
	unsigned timeout_ms; /* 0: CP_DNS_TIMEOUT_MS */
};

struct cp_dns_answer {
	void (*ip)(void *context, struct vd_bytes ip);      /* each, of NAME_A and NAME_AAAA */
	void (*txt)(void *context, struct vd_bytes record); /* each, its strings joined */
	/*
	 * Once, and the last. VD_ENOTFOUND: there is no such name, or none of that kind;
	 * VD_ELINK_TIMEOUT, VD_ELINK_CLOSED: no server; VD_EPEER_…: of what it answered; `why` has
	 * the cure.
	 */
	void (*done)(void *context, enum vd_err err, const char *why);
};

/* VD_EUSER: no servers; `why` (CP_DNS_WHY) has the cure; VD_ENOMEM, VD_ESYS. */
enum vd_err cp_dns_new(const struct cp_dns_config *config, char *why, struct cp_dns **dns_out);
/* Lookups under way get `done`. The memory goes when the loop has let go of it. */
void cp_dns_free(struct cp_dns *dns);

/* `answer` is kept by reference. VD_ENOMEM: no callback. */
enum vd_err cp_dns_look_up(struct cp_dns *dns, const struct name_lookup *lookup,
			   const struct cp_dns_answer *answer, void *context);
