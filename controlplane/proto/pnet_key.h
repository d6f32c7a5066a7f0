/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * pnet_key: the pre-shared key of a private network (libp2p/specs, pnet), and the file that all
 * its members have, as kubo's swarm.key.
 *
 * Threads: any; no shared state. Memory: the caller's.
 */
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	PNET_KEY = 32,
	PNET_FINGERPRINT = 16,
	PNET_FILE_MAX = 1024, /* bytes of a key file */
};

/* A network. Secret: wipe with pnet_key_fini. */
struct pnet_key {
	uint8_t bytes[PNET_KEY];
};

/*
 * Reads a key file: the line `/key/swarm/psk/1.0.0/`, a line `/base16/`, `/base64/` or `/bin/`,
 * and 32 bytes so written; after text only white space may follow, after `/bin/` nothing. VD_EUSER:
 * `reason_out` ("what is wrong; cure", static storage) is set, and nothing else.
 */
enum vd_err pnet_key_read(struct vd_bytes file, struct pnet_key *key_out, const char **reason_out);
void pnet_key_fini(struct pnet_key *key);

/*
 * What may be shown of a key, to compare two nodes': as kubo prints it, SHAKE-128 of a Salsa20
 * block. VD_ENOMEM.
 */
enum vd_err pnet_key_fingerprint(const struct pnet_key *key, uint8_t out[PNET_FINGERPRINT]);
