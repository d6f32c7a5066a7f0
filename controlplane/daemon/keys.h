/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * keys: the table of configuration keys, and what config's parts share. Private to config.
 *
 * A row's path is "section.key"; keys of a list's elements are "section.list[].key", with
 * offsets from the element.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controlplane/daemon/config.h"

enum key_type {
	KEY_SECTION, /* a mapping; extra: offset of a bool that tells it is there */
	KEY_MAPS,    /* a list of mappings; room: element size, max: elements, extra: count */
	KEY_TEXT,    /* char[room]; min: 1: not empty */
	KEY_NAMES,   /* uint32_t: which of `names` */
	KEY_BOOL,
	KEY_U32,
	KEY_U64,
	KEY_WIDTH,   /* uint32_t: 0, or SW_WIDTH_MIN to SW_WIDTH_MAX */
	KEY_MTU,     /* uint32_t: `auto` (0), or a number */
	KEY_PREFIX,  /* uint16_t: an IPv6 /16 */
	KEY_UDP,     /* struct vd_udp_addr; extra: offset of a bool that tells it is given */
	KEY_LISTEN,  /* struct config_addresses of /ip…/udp/… */
	KEY_ROUTERS, /* struct config_addresses of link addresses with /p2p */
	KEY_ADDRS,   /* struct config_addresses of any */
	KEY_FILTERS, /* struct config_addresses of addresses and networks (proto/announce.h) */
	KEY_PEERS,   /* struct tier_peer_list; min: 1: `any` is allowed */
	KEY_CIDRS,   /* struct tier_cidr_list */
	KEY_TOKENS,  /* struct tier_token_list */
	KEY_REALMS,  /* uint32_t: mask of 0 to 31 */
	KEY_LEVELS,  /* char[room]: as vd_log_set_levels */
};

#define KEY_NONE UINT32_MAX /* extra: none */

enum { KEY_WHY = 320, KEY_ROWS_MAX = 128 };

struct config_key {
	const char *path;
	enum key_type type;
	bool reload; /* takes effect on SIGHUP */
	uint32_t offset, room, extra;
	uint64_t min, max;
	const char *fallback;     /* default as YAML; NULL: must be given (elements), or none */
	const char *const *names; /* ended by NULL */
	const char *help;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* The row of a path, whose list indices ("[3]") stand for "[]"; NULL: unknown. */
const struct config_key *config_key_find(const char *path);
/* Whether a row lies right below `parent` ("" for sections). */
bool config_key_is_child(const struct config_key *key, const char *parent);
/* Whether the row has a VIADUCT_… name, and which. */
bool config_key_variable(const struct config_key *key, char out[CONFIG_KEY]);
/* The known name nearest to `name` below `parent`, or NULL when none is near. */
const char *config_key_nearest(const char *parent, const char *name);
/* The name of a row without its parent's. */
const char *config_key_name(const struct config_key *key);

/* ---- values ---- */

/* One scalar into its place. VD_EUSER with `why` ("what is wrong; cure"), VD_ENOMEM. */
enum vd_err config_value_set(const struct config_key *key, void *base, const char *text,
			     char why[KEY_WHY]);
bool config_type_is_list(enum key_type type);
/* Empties a list, adds one item, and finishes it. */
void config_list_clear(const struct config_key *key, void *base);
enum vd_err config_list_add(const struct config_key *key, void *base, const char *item,
			    char why[KEY_WHY]);
void config_list_end(const struct config_key *key, void *base);
bool config_value_equal(const struct config_key *key, const void *a, const void *b);
/* Sets the defaults of the rows right below `parent` and in its sections. */
void config_defaults_below(const char *parent, void *base);
/* Frees lists below `parent`. */
void config_free_below(const char *parent, void *base);

/* ---- errors ---- */

/* Fills `error` as "name:line: key: why"; returns `err`. name may be NULL, line 0. */
enum vd_err config_fail(struct config_error *error, enum vd_err err, const char *name,
			unsigned line, const char *key, const char *why);
enum vd_err config_check_as(const struct config *config, const char *name,
			    struct config_error *error);
/* Parses `text` as the value of one key. */
enum vd_err config_yaml_value(const char *text, const struct config_key *key, const char *name,
			      struct config *config, struct config_error *error);
