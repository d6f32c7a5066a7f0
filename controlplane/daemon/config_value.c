/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/daemon/keys.h"
#include "controlplane/proto/announce.h"

static_assert(VD_LOG_TEXT == 0, "config_log.format");

__attribute__((format(printf, 2, 3))) static enum vd_err wrong(char why[KEY_WHY],
							       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, KEY_WHY, format, args);
	va_end(args);
	return VD_EUSER;
}

static void *place(const struct config_key *key, void *base)
{
	return (char *)base + key->offset;
}

static const void *place_const(const struct config_key *key, const void *base)
{
	return (const char *)base + key->offset;
}

/* Decimal digits only. */
static bool number_of_text(const char *text, uint64_t *out)
{
	uint64_t v = 0;

	if (!*text || strlen(text) > 19)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	*out = v;
	return true;
}

static enum vd_err set_number(const struct config_key *key, void *base, const char *text,
			      char why[KEY_WHY])
{
	uint64_t v;

	if (!number_of_text(text, &v) || v < key->min || v > key->max)
		return wrong(why,
			     "`%.40s` is not a number from %" PRIu64 " to %" PRIu64
			     "; write one, in digits",
			     text, key->min, key->max);
	if (key->type == KEY_U64)
		*(uint64_t *)place(key, base) = v;
	else
		*(uint32_t *)place(key, base) = (uint32_t)v;
	return VD_OK;
}

/* A number, or one word that stands for 0. */
static enum vd_err set_number_or(const struct config_key *key, void *base, const char *text,
				 const char *word, char why[KEY_WHY])
{
	if (strcmp(text, word) == 0) {
		*(uint32_t *)place(key, base) = 0;
		return VD_OK;
	}
	if (set_number(key, base, text, why))
		return wrong(why,
			     "`%.40s` is neither `%s` nor a number from %" PRIu64 " to %" PRIu64
			     "; write one of them",
			     text, word, key->min, key->max);
	return VD_OK;
}

static enum vd_err set_bool(const struct config_key *key, void *base, const char *text,
			    char why[KEY_WHY])
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return wrong(why, "`%.40s` is not a truth value; write true or false", text);
	*(bool *)place(key, base) = yes;
	return VD_OK;
}

static enum vd_err set_text(const struct config_key *key, void *base, const char *text,
			    char why[KEY_WHY])
{
	size_t len = strlen(text);

	if (len < key->min)
		return wrong(why, "is empty; give it a value");
	if (len >= key->room)
		return wrong(why, "is %zu characters long; at most %u fit", len, key->room - 1);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return wrong(why, "holds a control character; take it out");
	memset(place(key, base), 0, key->room);
	memcpy(place(key, base), text, len);
	return VD_OK;
}

static enum vd_err set_name(const struct config_key *key, void *base, const char *text,
			    char why[KEY_WHY])
{
	char known[128] = "";

	for (uint32_t i = 0; key->names[i]; i++) {
		if (strcmp(text, key->names[i]) == 0) {
			memcpy(place(key, base), &i, sizeof i);
			return VD_OK;
		}
		strncat(known, i ? " or " : "", sizeof known - strlen(known) - 1);
		strncat(known, key->names[i], sizeof known - strlen(known) - 1);
	}
	return wrong(why, "`%.40s` is not known here; write %s", text, known);
}

static enum vd_err set_prefix(const struct config_key *key, void *base, const char *text,
			      char why[KEY_WHY])
{
	char address[INET6_ADDRSTRLEN] = "";
	const char *slash = strchr(text, '/');
	uint8_t ip[16];
	bool ok = slash && strcmp(slash, "/16") == 0 && (size_t)(slash - text) < sizeof address;

	if (ok) {
		memcpy(address, text, (size_t)(slash - text));
		ok = inet_pton(AF_INET6, address, ip) == 1 && (ip[0] & 0xfe) == 0xfc;
	}
	for (size_t i = 2; ok && i < sizeof ip; i++)
		ok = ip[i] == 0;
	if (!ok)
		return wrong(why, "`%.60s` is not a /16 inside fc00::/7; write one, as fd76::/16",
			     text);
	*(uint16_t *)place(key, base) = vd_be16_load(ip);
	return VD_OK;
}

/* "192.0.2.1:4001" or "[2001:db8::1]:4001". */
static bool endpoint_of_text(const char *text, struct vd_udp_addr *out)
{
	struct vd_udp_addr addr = { .ip = { [10] = 0xff, [11] = 0xff } };
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len = colon ? (size_t)(colon - text) : 0;
	uint64_t port;

	if (!len || len >= sizeof host || !number_of_text(colon + 1, &port) || port > UINT16_MAX)
		return false;
	memcpy(host, text, len);
	host[len] = 0;
	addr.port = (uint16_t)port;
	if (host[0] == '[') {
		if (host[len - 1] != ']')
			return false;
		host[len - 1] = 0;
		if (inet_pton(AF_INET6, host + 1, addr.ip) != 1)
			return false;
	} else if (inet_pton(AF_INET, host, addr.ip + 12) != 1) {
		return false;
	}
	*out = addr;
	return true;
}

static enum vd_err set_endpoint(const struct config_key *key, void *base, const char *text,
				char why[KEY_WHY])
{
	bool optional = key->extra != KEY_NONE;
	struct vd_udp_addr addr = { 0 };

	if ((*text || !optional) && !endpoint_of_text(text, &addr))
		return wrong(why,
			     "`%.60s` is not an address and port; write them as 0.0.0.0:4001 or "
			     "[::]:4001",
			     text);
	memcpy(place(key, base), &addr, sizeof addr);
	if (optional)
		*((bool *)base + key->extra) = *text != 0;
	return VD_OK;
}

/* One entry of "info,link=debug": the first is a level alone. */
static bool level_entry_is_valid(const char *entry, bool first)
{
	const char *equals = strchr(entry, '=');
	enum vd_log_level level;

	if (vd_log_level_of_name(equals ? equals + 1 : entry, &level))
		return false;
	if (!equals)
		return first;
	for (unsigned s = 0; s < VD_SUB_COUNT; s++) {
		const char *name = vd_log_subsystem_name((enum vd_log_subsystem)s);

		if (strlen(name) == (size_t)(equals - entry) &&
		    memcmp(name, entry, strlen(name)) == 0)
			return true;
	}
	return false;
}

static enum vd_err set_levels(const struct config_key *key, void *base, const char *text,
			      char why[KEY_WHY])
{
	char copy[CONFIG_LEVELS], *rest = copy, *entry;
	bool first = true, ok = strlen(text) < sizeof copy;

	if (ok)
		strcpy(copy, text);
	while (ok && (entry = strsep(&rest, ","))) {
		ok = level_entry_is_valid(entry, first);
		first = false;
	}
	if (!ok)
		return wrong(why,
			     "`%.60s` is not a level; write error, warn, info or debug, and "
			     "exceptions as in info,link=debug",
			     text);
	return set_text(key, base, text, why);
}

enum vd_err config_value_set(const struct config_key *key, void *base, const char *text,
			     char why[KEY_WHY])
{
	switch (key->type) {
	case KEY_TEXT: return set_text(key, base, text, why);
	case KEY_NAMES: return set_name(key, base, text, why);
	case KEY_BOOL: return set_bool(key, base, text, why);
	case KEY_U32:
	case KEY_U64: return set_number(key, base, text, why);
	case KEY_WIDTH: return set_number_or(key, base, text, "0", why);
	case KEY_MTU: return set_number_or(key, base, text, "auto", why);
	case KEY_PREFIX: return set_prefix(key, base, text, why);
	case KEY_UDP: return set_endpoint(key, base, text, why);
	case KEY_LEVELS: return set_levels(key, base, text, why);
	case KEY_SECTION: return wrong(why, "is a single value; write keys below it");
	case KEY_MAPS:
		return wrong(why, "is a single value; write a list of mappings, each after a dash");
	case KEY_LISTEN:
	case KEY_ROUTERS:
	case KEY_ADDRS:
	case KEY_FILTERS:
	case KEY_PEERS:
	case KEY_CIDRS:
	case KEY_TOKENS:
	case KEY_REALMS: break;
	}
	return config_list_add(key, base, text, why);
}

/* ---- lists ---- */

bool config_type_is_list(enum key_type type)
{
	return type >= KEY_LISTEN && type <= KEY_REALMS;
}

void config_list_clear(const struct config_key *key, void *base)
{
	if (key->type == KEY_REALMS) {
		*(uint32_t *)place(key, base) = 0;
	} else if (key->type == KEY_PEERS) {
		struct tier_peer_list *list = (struct tier_peer_list *)place(key, base);

		free(list->ids);
		*list = (struct tier_peer_list){ 0 };
	} else if (key->type == KEY_CIDRS) {
		tier_cidr_list_fini((struct tier_cidr_list *)place(key, base));
	} else if (key->type == KEY_TOKENS) {
		tier_token_list_fini((struct tier_token_list *)place(key, base));
	} else {
		memset(place(key, base), 0, sizeof(struct config_addresses));
	}
}

static enum vd_err add_realm(const struct config_key *key, void *base, const char *item,
			     char why[KEY_WHY])
{
	uint64_t realm;

	if (!number_of_text(item, &realm) || realm > 31)
		return wrong(why, "`%.40s` is not a realm; write numbers from 0 to 31", item);
	*(uint32_t *)place(key, base) |= UINT32_C(1) << realm;
	return VD_OK;
}

static enum vd_err add_filter(struct config_addresses *list, const char *item, char why[KEY_WHY])
{
	if (announce_filter_of_text(item, &list->at[list->count]))
		return wrong(
		    why,
		    "`%.120s` is neither a network nor a multiaddr; write it as 10.0.0.0/8, "
		    "\"fd00::/8\" or /ip4/192.0.2.1/tcp/4001",
		    item);
	list->count++;
	return VD_OK;
}

static enum vd_err add_addr(const struct config_key *key, void *base, const char *item,
			    char why[KEY_WHY])
{
	struct config_addresses *list = (struct config_addresses *)place(key, base);
	struct vd_multiaddr addr;
	struct vd_udp_addr udp;
	struct vd_peer_id peer = { 0 };

	if (list->count == key->max)
		return wrong(why, "has more than %" PRIu64 " addresses; take some out", key->max);
	if (key->type == KEY_FILTERS)
		return add_filter(list, item, why);
	if (vd_multiaddr_of_text(item, &addr))
		return wrong(why, "`%.120s` is not a multiaddr; write it as %s", item,
			     key->type == KEY_ADDRS ? "/ip4/0.0.0.0/tcp/4001"
						    : "/ip4/192.0.2.1/udp/4001");
	if (key->type != KEY_ADDRS && vd_multiaddr_to_link(&addr, &udp, &peer))
		return wrong(why, "`%.120s` is not a link address; write it as %s", item,
			     key->type == KEY_LISTEN ? "/ip4/192.0.2.1/udp/4001"
						     : "/ip4/192.0.2.1/udp/4001/viaduct/p2p/12D3…");
	if (key->type == KEY_ROUTERS && !peer.len)
		return wrong(
		    why,
		    "`%.120s` does not say who the router is; add /viaduct/p2p/ and its peer "
		    "id (`viaduct id` there)",
		    item);
	if (key->type == KEY_LISTEN && peer.len)
		return wrong(why, "`%.120s` names a peer; leave /p2p/… away, it is this node",
			     item);
	list->at[list->count++] = addr;
	return VD_OK;
}

/* Grown by doubling: a power of two is full. */
static bool peers_grow(struct tier_peer_list *list)
{
	uint32_t n = list->count;
	struct vd_peer_id *ids;

	if (n & (n - 1))
		return true;
	ids = (struct vd_peer_id *)reallocarray(list->ids, n ? 2 * (size_t)n : 1, sizeof *ids);
	if (!ids)
		return false;
	list->ids = ids;
	return true;
}

static enum vd_err add_peer(const struct config_key *key, void *base, const char *item,
			    char why[KEY_WHY])
{
	struct tier_peer_list *list = (struct tier_peer_list *)place(key, base);
	struct vd_peer_id id = { 0 };

	if (strcmp(item, "any") == 0) {
		if (!key->min)
			return wrong(why, "cannot be `any`; list the peer ids");
		list->any = true;
		return VD_OK;
	}
	if (list->count == key->max)
		return wrong(why, "has more than %" PRIu64 " peers; take some out", key->max);
	if (vd_peer_id_of_text(item, &id))
		return wrong(
		    why, "`%.80s` is not a peer id; write it as 12D3… (`viaduct id` tells)", item);
	if (!peers_grow(list)) {
		(void)wrong(why, "no memory for so many peers");
		return VD_ENOMEM;
	}
	list->ids[list->count++] = id;
	return VD_OK;
}

enum vd_err config_list_add(const struct config_key *key, void *base, const char *item,
			    char why[KEY_WHY])
{
	if (key->type == KEY_REALMS)
		return add_realm(key, base, item, why);
	if (key->type == KEY_PEERS)
		return add_peer(key, base, item, why);
	if (key->type == KEY_CIDRS)
		return tier_cidr_list_add((struct tier_cidr_list *)place(key, base), item, why);
	if (key->type == KEY_TOKENS)
		return tier_token_list_add((struct tier_token_list *)place(key, base), item, why);
	return add_addr(key, base, item, why);
}

static int compare_ids(const void *a, const void *b)
{
	return vd_peer_id_compare((const struct vd_peer_id *)a, (const struct vd_peer_id *)b);
}

static void end_peers(struct tier_peer_list *list)
{
	uint32_t kept = 0;

	list->given = true;
	if (list->count)
		qsort(list->ids, list->count, sizeof *list->ids, compare_ids);
	for (uint32_t i = 0; i < list->count; i++)
		if (!kept || compare_ids(&list->ids[kept - 1], &list->ids[i]) != 0)
			list->ids[kept++] = list->ids[i];
	list->count = kept;
	if (list->any) {
		free(list->ids);
		*list = (struct tier_peer_list){ .any = true, .given = true };
	}
}

void config_list_end(const struct config_key *key, void *base)
{
	if (key->type == KEY_PEERS)
		end_peers((struct tier_peer_list *)place(key, base));
	else if (key->type == KEY_CIDRS)
		((struct tier_cidr_list *)place(key, base))->given = true;
	else if (key->type == KEY_TOKENS)
		((struct tier_token_list *)place(key, base))->given = true;
}

bool tier_peer_list_has(const struct tier_peer_list *list, const struct vd_peer_id *peer)
{
	if (list->any)
		return true;
	return list->count &&
	       bsearch(peer, list->ids, list->count, sizeof *list->ids, compare_ids) != NULL;
}

/* ---- comparing, defaults ---- */

static bool peers_equal(const struct tier_peer_list *a, const struct tier_peer_list *b)
{
	if (a->any != b->any || a->given != b->given || a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!vd_peer_id_equal(&a->ids[i], &b->ids[i]))
			return false;
	return true;
}

static bool addrs_equal(const struct config_addresses *a, const struct config_addresses *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!vd_multiaddr_equal(&a->at[i], &b->at[i]))
			return false;
	return true;
}

static uint32_t count_of(const struct config_key *key, const void *base)
{
	uint32_t count;

	memcpy(&count, (const char *)base + key->extra, sizeof count);
	return count;
}

/* What a reload takes of mappings that it does not take as such is no difference. */
static bool maps_equal(const struct config_key *key, const void *a, const void *b)
{
	char parent[CONFIG_KEY];
	uint32_t count = count_of(key, a);

	if (count != count_of(key, b))
		return false;
	snprintf(parent, sizeof parent, "%s[]", key->path);
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *row = &config_keys[i];
		const char *pa = (const char *)place_const(key, a);
		const char *pb = (const char *)place_const(key, b);

		if (!config_key_is_child(row, parent) || (row->reload && !key->reload))
			continue;
		for (uint32_t n = 0; n < count; n++)
			if (!config_value_equal(row, pa + n * key->room, pb + n * key->room))
				return false;
	}
	return true;
}

bool config_value_equal(const struct config_key *key, const void *a, const void *b)
{
	const void *pa = place_const(key, a), *pb = place_const(key, b);

	switch (key->type) {
	case KEY_SECTION:
		return key->extra == KEY_NONE ||
		       *((const bool *)a + key->extra) == *((const bool *)b + key->extra);
	case KEY_MAPS: return maps_equal(key, a, b);
	case KEY_TEXT:
	case KEY_LEVELS: return strcmp((const char *)pa, (const char *)pb) == 0;
	case KEY_BOOL: return *(const bool *)pa == *(const bool *)pb;
	case KEY_U64: return *(const uint64_t *)pa == *(const uint64_t *)pb;
	case KEY_PREFIX: return *(const uint16_t *)pa == *(const uint16_t *)pb;
	case KEY_UDP:
		return vd_udp_addr_equal((const struct vd_udp_addr *)pa,
					 (const struct vd_udp_addr *)pb);
	case KEY_PEERS:
		return peers_equal((const struct tier_peer_list *)pa,
				   (const struct tier_peer_list *)pb);
	case KEY_CIDRS:
		return tier_cidr_list_equal((const struct tier_cidr_list *)pa,
					    (const struct tier_cidr_list *)pb);
	case KEY_TOKENS:
		return tier_token_list_equal((const struct tier_token_list *)pa,
					     (const struct tier_token_list *)pb);
	case KEY_LISTEN:
	case KEY_ROUTERS:
	case KEY_ADDRS:
	case KEY_FILTERS:
		return addrs_equal((const struct config_addresses *)pa,
				   (const struct config_addresses *)pb);
	case KEY_NAMES:
	case KEY_U32:
	case KEY_WIDTH:
	case KEY_MTU:
	case KEY_REALMS: break;
	}
	return *(const uint32_t *)pa == *(const uint32_t *)pb;
}

void config_defaults_below(const char *parent, void *base)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		char why[KEY_WHY];

		if (!config_key_is_child(key, parent))
			continue;
		if (key->type == KEY_SECTION)
			config_defaults_below(key->path, base);
		else if (key->fallback && strcmp(key->fallback, "[]") != 0 &&
			 config_value_set(key, base, key->fallback, why))
			abort(); /* the table contradicts itself: a test would have told */
	}
}

void config_free_below(const char *parent, void *base)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		char inside[CONFIG_KEY];

		if (!config_key_is_child(key, parent))
			continue;
		snprintf(inside, sizeof inside, "%s[]", key->path);
		if (key->type == KEY_SECTION)
			config_free_below(key->path, base);
		else if (key->type == KEY_PEERS || key->type == KEY_CIDRS ||
			 key->type == KEY_TOKENS)
			config_list_clear(key, base);
		else if (key->type == KEY_MAPS)
			for (uint32_t n = 0; n < count_of(key, base); n++)
				config_free_below(inside, (char *)place(key, base) + n * key->room);
	}
}
