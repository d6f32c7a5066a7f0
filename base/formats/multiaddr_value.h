/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * multiaddr_value: the table of multiaddr components, and the values they carry.
 *
 * Every value has one binary form and prints in one way; parsing a printed value gives
 * the same bytes. Values that would not (a name with a slash, a zero onion port) are
 * invalid in both forms.
 *
 * Internal to multiaddr.c. Threads: no shared state.
 */
#include <stdbool.h>

#include "base/bytes.h"

struct vd_multiaddr_kind {
	int bytes; /* of the value; VD_MA_VARIABLE: a varint length goes before it */
	/* Text to value; false when it is none. NULL: the component has no value. */
	bool (*parse)(struct vd_bytes text, struct vd_write *w);
	/* Value to text; false when the value is invalid. */
	bool (*print)(struct vd_bytes value, struct vd_write *w);
	/* The text takes all that is left, with the slash before it; it comes last. */
	bool is_path;
};

enum { VD_MA_VARIABLE = -1 };

struct vd_multiaddr_component {
	uint32_t code;
	const char *name;
	const struct vd_multiaddr_kind *kind;
};

/* NULL when there is none. */
const struct vd_multiaddr_component *vd_multiaddr_component_of_code(uint64_t code);
const struct vd_multiaddr_component *vd_multiaddr_component_of_name(struct vd_bytes name);
