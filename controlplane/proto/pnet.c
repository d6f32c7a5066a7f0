/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* pnet: XSalsa20 as HSalsa20 once for each nonce, then Salsa20 from any byte on. */
#include "controlplane/proto/pnet.h"

#include <sodium.h>

static_assert((int)PNET_KEY == crypto_stream_xsalsa20_KEYBYTES &&
	      (int)PNET_NONCE == crypto_stream_xsalsa20_NONCEBYTES);

enum { BLOCK = 64 };

/* ---- one direction ---- */

static void begin(struct pnet_way *way, const struct pnet_key *key, const uint8_t nonce[PNET_NONCE])
{
	crypto_core_hsalsa20(way->key, nonce, key->bytes, NULL);
	memcpy(way->nonce, nonce + crypto_core_hsalsa20_INPUTBYTES, sizeof way->nonce);
	way->at = 0;
}

/* The rest of a block that was begun: its key stream is made again. */
static size_t pass_rest(const struct pnet_way *way, const uint8_t *in, uint8_t *out, size_t len)
{
	size_t skip = way->at % BLOCK, n = BLOCK - skip < len ? BLOCK - skip : len;
	uint8_t block[BLOCK] = { 0 };

	memcpy(block + skip, in, n);
	crypto_stream_salsa20_xor_ic(block, block, skip + n, way->nonce, way->at / BLOCK, way->key);
	memcpy(out, block + skip, n);
	sodium_memzero(block, sizeof block);
	return n;
}

/* `in` and `out` are the same, or apart. */
static void pass(struct pnet_way *way, const uint8_t *in, uint8_t *out, size_t len)
{
	size_t done = way->at % BLOCK && len ? pass_rest(way, in, out, len) : 0;

	way->at += done;
	if (done == len)
		return;
	crypto_stream_salsa20_xor_ic(out + done, in + done, len - done, way->nonce, way->at / BLOCK,
				     way->key);
	way->at += len - done;
}

/* ---- both ---- */

void pnet_init(struct pnet *p, const struct pnet_key *key, const uint8_t nonce[PNET_NONCE])
{
	*p = (struct pnet){ .network = *key };
	memcpy(p->nonce, nonce, sizeof p->nonce);
	begin(&p->out, key, nonce);
}

void pnet_fini(struct pnet *p)
{
	sodium_memzero(p, sizeof *p);
}

/* Takes of the peer's nonce what is there; returns how much. */
static size_t take_nonce(struct pnet *p, const uint8_t *wire, size_t len)
{
	size_t lacks = (size_t)PNET_NONCE - p->theirs_len, n = len < lacks ? len : lacks;

	if (!n)
		return 0;
	memcpy(p->theirs + p->theirs_len, wire, n);
	p->theirs_len = (uint8_t)(p->theirs_len + n);
	if (p->theirs_len == PNET_NONCE) {
		begin(&p->in, &p->network, p->theirs);
		pnet_key_fini(&p->network);
	}
	return n;
}

struct vd_bytes pnet_open(struct pnet *p, uint8_t *wire, size_t len)
{
	size_t used = take_nonce(p, wire, len);

	if (used == len)
		return vd_bytes(NULL, 0);
	pass(&p->in, wire + used, wire + used, len - used);
	return vd_bytes(wire + used, len - used);
}

struct vd_bytes pnet_seal(struct pnet *p, struct vd_bytes plain, uint8_t *out, size_t cap,
			  size_t *took_out)
{
	size_t at = 0;

	if (!p->told) {
		memcpy(out, p->nonce, PNET_NONCE);
		p->told = true;
		at = PNET_NONCE;
	}
	*took_out = plain.len < cap - at ? plain.len : cap - at;
	if (*took_out)
		pass(&p->out, plain.at, out + at, *took_out);
	return vd_bytes(out, at + *took_out);
}
