/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/name_walk.h"

#include <stdio.h>

static const char txt_prefix[] = "_dnsaddr.";

/* ---- names ---- */

static bool is_name_code(uint32_t code)
{
	return code == VD_MA_DNS || code == VD_MA_DNS4 || code == VD_MA_DNS6 ||
	       code == VD_MA_DNSADDR;
}

/* The name, and where what follows it begins. */
static bool split(const struct vd_multiaddr *address, struct vd_multiaddr_part *name_out,
		  size_t *rest_out)
{
	*rest_out = 0;
	return vd_multiaddr_next(address, rest_out, name_out) && is_name_code(name_out->code);
}

bool name_walk_needed(const struct vd_multiaddr *address)
{
	struct vd_multiaddr_part name;
	size_t rest;

	return split(address, &name, &rest);
}

/* Letters, digits, hyphen, underscore; 1 to 63 of them between dots (RFC 1035, 2.3.4). */
static bool is_name(struct vd_bytes name)
{
	size_t label = 0;

	if (name.len + sizeof txt_prefix > NAME_WALK_NAME - 2)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.at[i], lower = c | 0x20;
		bool dot = c == '.';

		if (dot ? !label : label == 63)
			return false;
		if (!dot && c != '-' && c != '_' && !(c >= '0' && c <= '9') &&
		    !(lower >= 'a' && lower <= 'z'))
			return false;
		label = dot ? 0 : label + 1;
	}
	return name.len > 0;
}

/* ---- lookups ---- */

static bool is_asked(const struct name_walk *walk, enum name_kind kind,
		     const struct vd_multiaddr *address)
{
	for (unsigned i = 0; i < walk->count; i++)
		if (walk->steps[i].kind == kind &&
		    vd_multiaddr_equal(&walk->steps[i].address, address))
			return true;
	return false;
}

static void ask(struct name_walk *walk, enum name_kind kind, const struct vd_multiaddr *address,
		uint8_t depth)
{
	if (is_asked(walk, kind, address))
		return;
	if (walk->count == NAME_WALK_LOOKUPS || depth > NAME_WALK_DEPTH) {
		walk->too_many++;
		return;
	}
	walk->steps[walk->count++] =
	    (struct name_walk_step){ .address = *address, .kind = kind, .depth = depth };
}

/* Asks for all that the address' name stands for. */
static enum vd_err ask_all(struct name_walk *walk, const struct vd_multiaddr *address,
			   uint8_t depth)
{
	struct vd_multiaddr_part name;
	size_t rest;

	if (!split(address, &name, &rest) || !is_name(name.value))
		return VD_EUSER;
	if (name.code == VD_MA_DNSADDR)
		ask(walk, NAME_TXT, address, depth);
	if (name.code == VD_MA_DNS || name.code == VD_MA_DNS6)
		ask(walk, NAME_AAAA, address, depth);
	if (name.code == VD_MA_DNS || name.code == VD_MA_DNS4)
		ask(walk, NAME_A, address, depth);
	return VD_OK;
}

enum vd_err name_walk_init(struct name_walk *walk, const struct vd_multiaddr *address)
{
	*walk = (struct name_walk){ 0 };
	return ask_all(walk, address, 0);
}

bool name_walk_next(struct name_walk *walk, unsigned *step_out, struct name_lookup *lookup_out)
{
	const struct name_walk_step *step = &walk->steps[walk->begun];
	struct vd_multiaddr_part name;
	size_t rest;

	if (walk->begun == walk->count || !split(&step->address, &name, &rest))
		return false;
	lookup_out->kind = step->kind;
	snprintf(lookup_out->name, sizeof lookup_out->name, "%s%.*s",
		 step->kind == NAME_TXT ? txt_prefix : "", (int)name.value.len,
		 (const char *)name.value.at);
	*step_out = walk->begun++;
	walk->under_way++;
	return true;
}

/* ---- answers ---- */

static bool has_room(struct name_walk *walk)
{
	if (walk->found < NAME_WALK_ADDRESSES)
		return true;
	walk->too_many++;
	return false;
}

bool name_walk_ip(struct name_walk *walk, unsigned step, struct vd_bytes ip,
		  struct vd_multiaddr *address_out)
{
	const struct name_walk_step *of = &walk->steps[step];
	bool ip6 = of->kind == NAME_AAAA;
	uint8_t bytes[VD_MULTIADDR_MAX + 16];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct vd_multiaddr_part name;
	size_t rest;

	if (of->kind == NAME_TXT || ip.len != (ip6 ? 16 : 4) ||
	    !split(&of->address, &name, &rest) || !has_room(walk))
		return false;
	vd_write_uvarint(&w, ip6 ? VD_MA_IP6 : VD_MA_IP4);
	vd_write_bytes(&w, ip);
	vd_write_bytes(&w, vd_bytes(of->address.bytes + rest, of->address.len - rest));
	if (vd_multiaddr_of_bytes(vd_write_done(&w), address_out)) {
		walk->malformed++; /* longer than an address may be */
		return false;
	}
	walk->found++;
	return true;
}

/* `dnsaddr=` and a multiaddr. */
static enum vd_err read_record(struct vd_bytes record, struct vd_multiaddr *address_out)
{
	static const char key[] = "dnsaddr=";
	const size_t len = sizeof key - 1;
	char text[VD_MULTIADDR_TEXT];

	if (record.len < len || memcmp(record.at, key, len) != 0)
		return VD_ENOTFOUND; /* of another use */
	if (record.len - len >= sizeof text || memchr(record.at, 0, record.len))
		return VD_EPEER_FORMAT;
	memcpy(text, record.at + len, record.len - len);
	text[record.len - len] = 0;
	return vd_multiaddr_of_text(text, address_out) ? VD_EPEER_FORMAT : VD_OK;
}

/* The found one ends in what follows the name that was asked for. */
static bool has_suffix(const struct vd_multiaddr *found, const struct vd_multiaddr *asked)
{
	struct vd_multiaddr_part part;
	size_t rest, at = 0;

	if (!split(asked, &part, &rest))
		return false;
	rest = asked->len - rest;
	while ((size_t)found->len - at > rest && vd_multiaddr_next(found, &at, &part))
		; /* to a part's border */
	return (size_t)found->len - at == rest &&
	       memcmp(found->bytes + at, asked->bytes + asked->len - rest, rest) == 0;
}

bool name_walk_txt(struct name_walk *walk, unsigned step, struct vd_bytes record,
		   struct vd_multiaddr *address_out)
{
	const struct name_walk_step *of = &walk->steps[step];
	struct vd_multiaddr found;
	enum vd_err err = of->kind == NAME_TXT ? read_record(record, &found) : VD_EBUG_STATE;

	if (err) {
		walk->malformed += err == VD_EPEER_FORMAT;
		return false;
	}
	if (!has_suffix(&found, &of->address)) {
		walk->others++;
		return false;
	}
	if (name_walk_needed(&found)) {
		walk->malformed += ask_all(walk, &found, of->depth + 1) != VD_OK;
		return false;
	}
	if (!has_room(walk))
		return false;
	walk->found++;
	*address_out = found;
	return true;
}

/* ---- the end ---- */

static const char *kind_text(enum name_kind kind)
{
	return kind == NAME_A ? "A" : kind == NAME_AAAA ? "AAAA" : "TXT";
}

static void note_failure(struct name_walk *walk, const struct name_walk_step *step, enum vd_err err,
			 const char *why)
{
	struct vd_multiaddr_part name;
	size_t rest;

	/* A name may well have addresses of one family only. */
	if ((walk->err && walk->err != VD_ENOTFOUND) || !split(&step->address, &name, &rest))
		return;
	if (walk->err && err == VD_ENOTFOUND)
		return;
	walk->err = err;
	snprintf(walk->why, sizeof walk->why, "%s of %s%.*s: %s", kind_text(step->kind),
		 step->kind == NAME_TXT ? txt_prefix : "", (int)name.value.len,
		 (const char *)name.value.at, why);
}

void name_walk_done(struct name_walk *walk, unsigned step, enum vd_err err, const char *why)
{
	struct name_walk_step *of = &walk->steps[step];

	if (of->done)
		return;
	of->done = true;
	walk->under_way--;
	if (err)
		note_failure(walk, of, err, why ? why : vd_err_text(err));
}

bool name_walk_ended(const struct name_walk *walk)
{
	return !walk->under_way && walk->begun == walk->count;
}

enum vd_err name_walk_err(const struct name_walk *walk)
{
	if (walk->found)
		return VD_OK;
	return walk->err ? walk->err : VD_ENOTFOUND;
}

const char *name_walk_why(const struct name_walk *walk, char out[NAME_WALK_WHY])
{
	const char *why = "the name has no address; is it the right one?";

	if (walk->err)
		why = walk->why;
	else if (walk->too_many)
		why = "names lead to names, too many of them; ask who runs them";
	else if (walk->others)
		why = "none of its addresses ends as asked for; is the peer id right?";
	else if (walk->malformed)
		why = "its dnsaddr records are no addresses; ask who runs it";
	snprintf(out, NAME_WALK_WHY, "%s", why);
	return out;
}
