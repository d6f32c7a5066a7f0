/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/multiaddr.h"

#include "base/formats/multiaddr_value.h"

/* ---- binary ---- */

static const struct vd_multiaddr_component *read_part(struct vd_read *r,
						      struct vd_multiaddr_part *part)
{
	uint64_t code = vd_read_uvarint(r);
	const struct vd_multiaddr_component *component =
	    r->err ? NULL : vd_multiaddr_component_of_code(code);

	if (!component) {
		vd_read_fail(r, VD_EPEER_FORMAT);
		return NULL;
	}
	size_t len = component->kind->bytes == VD_MA_VARIABLE ? (size_t)vd_read_uvarint(r)
							      : (size_t)component->kind->bytes;
	*part =
	    (struct vd_multiaddr_part){ .code = component->code, .value = vd_read_bytes(r, len) };
	return r->err ? NULL : component;
}

/* "/name" or "/name/value"; false when the value is invalid. */
static bool print_part(const struct vd_multiaddr_component *component, struct vd_bytes value,
		       struct vd_write *w)
{
	vd_write_u8(w, '/');
	vd_write_bytes(w, vd_bytes_of_text(component->name));
	if (!component->kind->print)
		return true;
	if (!component->kind->is_path)
		vd_write_u8(w, '/');
	return component->kind->print(value, w);
}

/* Reads all parts and prints them: an address is valid if that works. */
static enum vd_err print_all(struct vd_bytes bytes, struct vd_write *w)
{
	struct vd_read r = vd_read_of(bytes);

	while (vd_read_left(&r) > 0) {
		struct vd_multiaddr_part part;
		const struct vd_multiaddr_component *component = read_part(&r, &part);

		if (!component)
			break;
		if (!print_part(component, part.value, w))
			vd_read_fail(&r, VD_EPEER_FORMAT);
		if (component->kind->is_path && vd_read_left(&r) > 0)
			vd_read_fail(&r, VD_EPEER_FORMAT);
	}
	return vd_read_end(&r);
}

enum vd_err vd_multiaddr_of_bytes(struct vd_bytes bytes, struct vd_multiaddr *addr_out)
{
	char text[VD_MULTIADDR_TEXT];
	struct vd_write w = vd_write_to(text, sizeof text - 1);

	if (bytes.len == 0)
		return VD_EPEER_TRUNC;
	if (bytes.len > VD_MULTIADDR_MAX)
		return VD_EPEER_RANGE;

	enum vd_err err = print_all(bytes, &w);
	if (err)
		return err;
	if (vd_write_end(&w))
		return VD_EPEER_RANGE;                 /* its text would not fit */
	memmove(addr_out->bytes, bytes.at, bytes.len); /* it may be the same address */
	memset(addr_out->bytes + bytes.len, 0, VD_MULTIADDR_MAX - bytes.len);
	addr_out->len = (uint16_t)bytes.len;
	return VD_OK;
}

bool vd_multiaddr_next(const struct vd_multiaddr *addr, size_t *at,
		       struct vd_multiaddr_part *part_out)
{
	struct vd_read r;
	struct vd_multiaddr_part part;

	if (*at >= addr->len)
		return false;
	r = vd_read_of(vd_bytes(addr->bytes + *at, addr->len - *at));
	if (!read_part(&r, &part))
		return false;
	*at = (size_t)(r.at - addr->bytes);
	*part_out = part;
	return true;
}

bool vd_multiaddr_equal(const struct vd_multiaddr *a, const struct vd_multiaddr *b)
{
	return vd_bytes_equal(vd_bytes(a->bytes, a->len), vd_bytes(b->bytes, b->len));
}

/* ---- text ---- */

const char *vd_multiaddr_text(const struct vd_multiaddr *addr, char out[VD_MULTIADDR_TEXT])
{
	struct vd_write w = vd_write_to(out, VD_MULTIADDR_TEXT - 1);

	if (print_all(vd_bytes(addr->bytes, addr->len), &w) || vd_write_end(&w))
		w.at = w.start; /* not from of_bytes or of_text: a caller's bug */
	*w.at = 0;
	return out;
}

/* What follows a slash, up to the next one; false when there is no slash. */
static bool next_token(struct vd_bytes *text, struct vd_bytes *token_out)
{
	if (text->len == 0 || text->at[0] != '/')
		return false;

	const uint8_t *start = text->at + 1;
	const uint8_t *slash = text->len > 1 ? memchr(start, '/', text->len - 1) : NULL;
	size_t len = slash ? (size_t)(slash - start) : text->len - 1;

	*token_out = vd_bytes(start, len);
	*text = vd_bytes(start + len, text->len - 1 - len);
	return true;
}

static bool parse_value(const struct vd_multiaddr_kind *kind, struct vd_bytes *text,
			struct vd_write *w)
{
	uint8_t bytes[VD_MULTIADDR_MAX];
	struct vd_write value = vd_write_to(bytes, sizeof bytes);
	struct vd_bytes token;

	if (kind->is_path) {
		token = *text;
		*text = vd_bytes(NULL, 0);
	} else if (!next_token(text, &token)) {
		return false;
	}
	if (!kind->parse(token, &value) || vd_write_end(&value))
		return false;
	if (kind->bytes == VD_MA_VARIABLE)
		vd_write_uvarint(w, vd_write_len(&value));
	vd_write_bytes(w, vd_write_done(&value));
	return true;
}

static bool parse_part(struct vd_bytes *text, struct vd_write *w)
{
	struct vd_bytes token;

	if (!next_token(text, &token))
		return false;

	const struct vd_multiaddr_component *component = vd_multiaddr_component_of_name(token);
	if (!component)
		return false;
	vd_write_uvarint(w, component->code);
	return !component->kind->parse || parse_value(component->kind, text, w);
}

enum vd_err vd_multiaddr_of_text(const char *text, struct vd_multiaddr *addr_out)
{
	uint8_t bytes[VD_MULTIADDR_MAX];
	struct vd_write w = vd_write_to(bytes, sizeof bytes);
	struct vd_bytes left = vd_bytes(text, strnlen(text, VD_MULTIADDR_TEXT));

	/* As go-multiaddr: slashes at the end mean nothing. */
	while (left.len > 0 && left.at[left.len - 1] == '/')
		left.len--;
	while (left.len > 0)
		if (!parse_part(&left, &w))
			return VD_EUSER;
	if (vd_write_end(&w) || vd_multiaddr_of_bytes(vd_write_done(&w), addr_out))
		return VD_EUSER;
	return VD_OK;
}

/* ---- link addresses ---- */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* Takes the next part if it has this code. */
static bool take(const struct vd_multiaddr *addr, size_t *at, uint32_t code,
		 struct vd_bytes *value_out)
{
	size_t next = *at;
	struct vd_multiaddr_part part;

	if (!vd_multiaddr_next(addr, &next, &part) || part.code != code)
		return false;
	*at = next;
	*value_out = part.value;
	return true;
}

enum vd_err vd_multiaddr_to_link(const struct vd_multiaddr *addr, struct vd_udp_addr *udp_out,
				 struct vd_peer_id *peer_out)
{
	size_t at = 0;
	struct vd_bytes value;
	struct vd_udp_addr udp = { 0 };
	struct vd_peer_id peer = { 0 };

	if (take(addr, &at, VD_MA_IP4, &value)) {
		memcpy(udp.ip, mapped, sizeof mapped);
		memcpy(udp.ip + sizeof mapped, value.at, 4);
	} else if (take(addr, &at, VD_MA_IP6, &value)) {
		memcpy(udp.ip, value.at, 16);
	} else {
		return VD_EUSER;
	}
	if (!take(addr, &at, VD_MA_UDP, &value))
		return VD_EUSER;
	udp.port = vd_be16_load(value.at);
	(void)take(addr, &at, VD_MA_VIADUCT, &value);
	if (take(addr, &at, VD_MA_P2P, &value) && vd_peer_id_of_bytes(value, &peer))
		return VD_EUSER;
	if (at != addr->len)
		return VD_EUSER;
	*udp_out = udp;
	if (peer_out)
		*peer_out = peer;
	return VD_OK;
}

void vd_multiaddr_of_link(const struct vd_udp_addr *udp, const struct vd_peer_id *peer,
			  struct vd_multiaddr *addr_out)
{
	*addr_out = (struct vd_multiaddr){ .len = 0 };

	struct vd_write w = vd_write_to(addr_out->bytes, sizeof addr_out->bytes);
	bool ip4 = vd_udp_addr_is_ip4(udp);

	vd_write_uvarint(&w, ip4 ? VD_MA_IP4 : VD_MA_IP6);
	vd_write_bytes(&w, ip4 ? vd_bytes(udp->ip + sizeof mapped, 4) : vd_bytes(udp->ip, 16));
	vd_write_uvarint(&w, VD_MA_UDP);
	vd_write_be16(&w, udp->port);
	if (peer && peer->len) {
		vd_write_uvarint(&w, VD_MA_VIADUCT);
		vd_write_uvarint(&w, VD_MA_P2P);
		vd_write_uvarint(&w, peer->len);
		vd_write_bytes(&w, vd_peer_id_bytes(peer));
	}
	addr_out->len = (uint16_t)vd_write_len(&w);
}
