/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * pnet: private networks by a pre-shared key (libp2p/specs, pnet, "Private-Networks-PSK-V1"): a
 * connection's bytes in XSalsa20, after a nonce of each side. It hides and keeps out, and proves
 * nothing: the secure channel inside does that. With another key what comes out is noise, which
 * makes no multistream header.
 *
 *	socket -> pnet_open (in place)   -> connection_receive
 *	socket <- pnet_seal (to a buffer) <- connection_next_output
 *
 * The nonce of this side leads what pnet_seal writes first, and may go alone: some peers say
 * nothing before they have it. The network's key is held until the peer's nonce came; after that
 * only what was derived for each direction, which pnet_fini wipes.
 *
 * Threads: one at a time. Memory: the caller's; nothing is allocated.
 */
#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"
#include "controlplane/proto/pnet_key.h"

enum { PNET_NONCE = 24 };

struct pnet_way {
	uint8_t key[PNET_KEY]; /* of this nonce: HSalsa20 of the network's */
	uint8_t nonce[8];      /* its tail: Salsa20's */
	uint64_t at;           /* bytes so far */
};

struct pnet {
	struct pnet_key network;    /* zeros when both nonces are known */
	uint8_t nonce[PNET_NONCE];  /* ours */
	uint8_t theirs[PNET_NONCE]; /* so far */
	uint8_t theirs_len;
	bool told; /* our nonce is out */
	struct pnet_way in, out;
};

/* `nonce`: random, for this connection alone. Copies both. */
void pnet_init(struct pnet *p, const struct pnet_key *key, const uint8_t nonce[PNET_NONCE]);
void pnet_fini(struct pnet *p);

/* Makes plaintext of what came, in place; it is a part of `wire`, empty while the nonce comes. */
struct vd_bytes pnet_open(struct pnet *p, uint8_t *wire, size_t len);

/*
 * Writes ciphertext of as much of `plain` as there is room for, the nonce before the first. `cap`
 * is above PNET_NONCE. Returns what was written; `took_out`: of plain.
 */
struct vd_bytes pnet_seal(struct pnet *p, struct vd_bytes plain, uint8_t *out, size_t cap,
			  size_t *took_out);
