/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * tiers: which peers a tier takes in: by peer id, by the underlay address, by a token.
 *
 * A tier names one condition or more; a peer is in it when all of them hold. A list that is
 * given and empty holds for no peer. The first tier that has the peer counts.
 *
 * Of a token a router keeps SHA-256 alone: of what is configured, and of what a peer
 * brought. Hashes are compared in constant time.
 *
 * Threads: no shared state.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/formats/peer_id.h"
#include "base/token.h"

enum {
	CONFIG_CIDRS_MAX = 4096,  /* of one tier */
	CONFIG_TOKENS_MAX = 4096, /* of one tier */
	TIER_TOKEN_MIN = 16,      /* bytes of a token */
	TIER_TOKEN_WHY = 320,
};

/* Sorted by bytes, without duplicates. */
struct tier_peer_list {
	struct vd_peer_id *ids; /* allocated; NULL when count is 0 */
	uint32_t count;
	bool any;   /* written as `any`: everybody; count is then 0 */
	bool given; /* the key is there */
};

struct tier_cidr {
	uint8_t ip[16]; /* IPv4 as ::ffff:0:0/96; zero beyond `bits` */
	uint8_t bits;   /* of these 128 */
	bool v4;
};

struct tier_cidr_list {
	struct tier_cidr *at; /* allocated */
	uint32_t count;
	bool given;
};

struct tier_token_list {
	uint8_t (*hashes)[VD_TOKEN_HASH]; /* allocated */
	uint32_t count;
	bool given;
};

/* A peer that wants to be in a tier. */
struct tier_claim {
	const struct vd_peer_id *peer;
	const uint8_t *ip;    /* 16 bytes, the address that the peer has proven; NULL: unknown */
	const uint8_t *token; /* hash of the token that it brought; NULL: none */
};

bool tier_peer_list_has(const struct tier_peer_list *list, const struct vd_peer_id *peer);
bool tier_cidr_list_has(const struct tier_cidr_list *list, const uint8_t ip[16]);
bool tier_token_list_has(const struct tier_token_list *list, const uint8_t hash[VD_TOKEN_HASH]);

/*
 * One item of a list in the configuration: "198.18.0.0/16", "fd00::/8" or an address;
 * "sha256:" and 64 hex digits, or the path of a file with one such a line. VD_EUSER, VD_ENOMEM:
 * `why` tells what is wrong, and the cure.
 */
enum vd_err tier_cidr_list_add(struct tier_cidr_list *list, const char *item,
			       char why[TIER_TOKEN_WHY]);
enum vd_err tier_token_list_add(struct tier_token_list *list, const char *item,
				char why[TIER_TOKEN_WHY]);
void tier_cidr_list_fini(struct tier_cidr_list *list);
void tier_token_list_fini(struct tier_token_list *list);
bool tier_cidr_list_equal(const struct tier_cidr_list *a, const struct tier_cidr_list *b);
bool tier_token_list_equal(const struct tier_token_list *a, const struct tier_token_list *b);

/* What a router keeps of a token. */
void tier_token_hash(const uint8_t *token, size_t len, uint8_t hash_out[VD_TOKEN_HASH]);

/*
 * An edge's token: the file's one line, TIER_TOKEN_MIN to VD_TOKEN_MAX printable characters, of a
 * file that its owner alone may read. VD_EUSER with `why`.
 */
enum vd_err tier_token_read(const char *path, uint8_t token_out[VD_TOKEN_MAX], uint8_t *len_out,
			    char why[TIER_TOKEN_WHY]);
