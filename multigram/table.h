/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * table: which protocol an index names, between two endpoints (multigram/SPEC.md,
 * section 3).
 *
 * Append-only; an entry never changes, so a pointer to one is good as long as the
 * table. One table for each key generation serves the outer frames and the
 * plaintexts of its sealed frames.
 *
 * Threads: the caller's one thread. Memory: the caller's storage; names are copied.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "multigram/frame.h"

enum {
	MG_TABLE_ENTRIES = 64, /* fixed ones included */
	MG_NAME_BYTES = 64,
	MG_SAME_NAME = 4,    /* indices of one name, where there is room for few */
	MG_INDEX_BYTE = 255, /* the largest, where there is a byte for each */
};

/* Where an entry's index may stand; one bit each. */
enum mg_place {
	MG_OUTSIDE = 1, /* first in a datagram, or in a switch payload */
	MG_INSIDE = 2,  /* first in the plaintext of a sealed frame */
	MG_BARE = 4,    /* first on another carrier, which has no sealed frames */
};

struct mg_entry {
	uint64_t index;
	uint8_t places;               /* of enum mg_place */
	uint8_t len;                  /* of name */
	char name[MG_NAME_BYTES + 1]; /* NUL-terminated */
};

enum mg_table_kind {
	MG_TABLE_VIADUCT, /* six fixed entries; those negotiated are valid inside */
	MG_TABLE_BARE,    /* setup alone; those negotiated are valid bare */
};

struct mg_table {
	enum mg_table_kind kind;
	size_t count;
	struct mg_entry entries[MG_TABLE_ENTRIES]; /* in the order they were added */
};

/* Fills in the fixed entries. */
void mg_table_init(struct mg_table *table, enum mg_table_kind kind);

/* 1 to 64 printable ASCII characters without spaces, the first of them '/'. */
bool mg_name_valid(struct vd_bytes name);

/*
 * Adds an entry from MG_FIRST_NEGOTIATED up; VD_OK, too, when it is there already
 * under the same name. VD_EPEER_STATE: there under another name. VD_EPEER_RANGE: a reserved
 * index, or not a name. VD_ELIMIT: the table is full.
 */
enum vd_err mg_table_add(struct mg_table *table, uint64_t index, struct vd_bytes name);

/* NULL when there is none. */
const struct mg_entry *mg_table_find(const struct mg_table *table, uint64_t index);

/* The one with the lowest index, should several have the name; NULL when none has. */
const struct mg_entry *mg_table_find_name(const struct mg_table *table, struct vd_bytes name);

/* The entry with the lowest index >= `from`, for walks in order; NULL at the end. */
const struct mg_entry *mg_table_from(const struct mg_table *table, uint64_t from);

/* Whether a multigram with this index may stand at `place`. */
bool mg_table_valid(const struct mg_table *table, uint64_t index, enum mg_place place);
