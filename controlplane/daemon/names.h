/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * names: what the operator calls peers, read from a file like /etc/hosts:
 *
 *	# an overlay address or a peer id, then its names
 *	fd76:1b9e:…:6f03       db1 db1.cluster
 *	12D3KooWD3eck…         laptop
 *
 * A name is one peer's; a peer may have several, on several lines, the first of which is shown.
 * Names are compared without regard to case.
 *
 * Threads: no shared state. Memory: allocated, within NAMES_MAX.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/formats/peer_id.h"

enum {
	NAMES_MAX = 8192,
	NAMES_TEXT = 64, /* of a name, with NUL */
	NAMES_FILE_MAX = 1 << 20,
	NAMES_WHY = 1280, /* room for a path and a sentence */
};

struct names_row {
	uint8_t overlay[16];
	struct vd_peer_id peer; /* len 0: the file tells the overlay address alone */
	char name[NAMES_TEXT];
};

struct names {
	struct names_row *rows; /* sorted by overlay address, then as in the file */
	size_t count;
};

/*
 * Reads a file. VD_EUSER, VD_ESYS, VD_ENOMEM: `why` is "file:line: what is wrong; cure", and
 * nothing is changed. `prefix`: of overlay addresses.
 */
enum vd_err names_read(const char *path, uint16_t prefix, struct names *names_out,
		       char why[NAMES_WHY]);
/* The same from memory; `file` stands for it in errors. */
enum vd_err names_parse(struct vd_bytes text, const char *file, uint16_t prefix,
			struct names *names_out, char why[NAMES_WHY]);
void names_fini(struct names *names);

/* NULL: no such name. */
const struct names_row *names_find(const struct names *names, const char *name);
/* The first row of an address; those that follow and have the same one are its other names. */
const struct names_row *names_of(const struct names *names, const uint8_t overlay[16]);
