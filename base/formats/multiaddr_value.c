/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/multiaddr_value.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/formats/multiaddr.h"
#include "base/formats/multibase.h"
#include "base/formats/multihash.h"
#include "base/utf8.h"

static bool has_byte(struct vd_bytes in, char byte)
{
	return in.len > 0 && memchr(in.at, byte, in.len);
}

/* As a C string; false when it does not fit or has a NUL. */
static bool copy_text(struct vd_bytes text, char *out, size_t cap)
{
	if (text.len >= cap || has_byte(text, 0))
		return false;
	if (text.len)
		memcpy(out, text.at, text.len);
	out[text.len] = 0;
	return true;
}

static void write_text(struct vd_write *w, const char *text)
{
	vd_write_bytes(w, vd_bytes_of_text(text));
}

/* ---- numbers ---- */

/* Decimal without sign or leading zeros. */
static bool parse_number(struct vd_bytes text, uint32_t max, uint32_t *number_out)
{
	uint32_t number = 0;

	if (text.len == 0 || text.len > 5 || (text.len > 1 && text.at[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		number = number * 10 + (text.at[i] - '0');
	}
	*number_out = number;
	return number <= max;
}

static void print_number(struct vd_write *w, uint32_t number)
{
	char text[12];

	snprintf(text, sizeof text, "%u", number);
	write_text(w, text);
}

static bool parse_port(struct vd_bytes text, struct vd_write *w)
{
	uint32_t port;

	if (!parse_number(text, UINT16_MAX, &port))
		return false;
	vd_write_be16(w, (uint16_t)port);
	return true;
}

static bool print_port(struct vd_bytes value, struct vd_write *w)
{
	print_number(w, vd_be16_load(value.at));
	return true;
}

static bool parse_cidr(struct vd_bytes text, struct vd_write *w)
{
	uint32_t bits;

	if (!parse_number(text, UINT8_MAX, &bits))
		return false;
	vd_write_u8(w, (uint8_t)bits);
	return true;
}

static bool print_cidr(struct vd_bytes value, struct vd_write *w)
{
	print_number(w, value.at[0]);
	return true;
}

/* ---- IP ---- */

static bool parse_ip(int family, size_t len, struct vd_bytes text, struct vd_write *w)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t ip[16];

	if (!copy_text(text, copy, sizeof copy) || inet_pton(family, copy, ip) != 1)
		return false;
	vd_write_bytes(w, vd_bytes(ip, len));
	return true;
}

static bool print_ip(int family, struct vd_bytes value, struct vd_write *w)
{
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, value.at, text, sizeof text))
		return false;
	write_text(w, text);
	return true;
}

static bool parse_ip4(struct vd_bytes text, struct vd_write *w)
{
	return parse_ip(AF_INET, 4, text, w);
}

static bool print_ip4(struct vd_bytes value, struct vd_write *w)
{
	return print_ip(AF_INET, value, w);
}

static bool parse_ip6(struct vd_bytes text, struct vd_write *w)
{
	return parse_ip(AF_INET6, 16, text, w);
}

static bool print_ip6(struct vd_bytes value, struct vd_write *w)
{
	return print_ip(AF_INET6, value, w);
}

/* ---- text: names, paths, percent-encoded bytes ---- */

static bool copy_name(struct vd_bytes name, struct vd_write *w)
{
	vd_write_bytes(w, name);
	return name.len > 0 && !has_byte(name, '/') && vd_utf8_is_plain(name);
}

/* Absolute, no slash at its end (the text form of an address may have one more there). */
static bool is_path(struct vd_bytes path)
{
	return path.len > 1 && path.at[0] == '/' && path.at[path.len - 1] != '/' &&
	       vd_utf8_is_plain(path);
}

static bool copy_path(struct vd_bytes path, struct vd_write *w)
{
	vd_write_bytes(w, path);
	return is_path(path);
}

static int hex_digit(uint8_t character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	character |= 0x20;
	return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* RFC 3986, section 2.3. */
static bool is_unreserved(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

static bool parse_percent(struct vd_bytes text, struct vd_write *w)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] != '%') {
			vd_write_u8(w, text.at[i]);
			continue;
		}
		if (text.len - i < 3)
			return false;
		int high = hex_digit(text.at[i + 1]), low = hex_digit(text.at[i + 2]);
		if (high < 0 || low < 0)
			return false;
		vd_write_u8(w, (uint8_t)(high << 4 | low));
		i += 2;
	}
	return text.len > 0;
}

static bool print_percent(struct vd_bytes value, struct vd_write *w)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.len; i++) {
		uint8_t byte = value.at[i];

		if (is_unreserved(byte)) {
			vd_write_u8(w, byte);
			continue;
		}
		vd_write_u8(w, '%');
		vd_write_u8(w, (uint8_t)digits[byte >> 4]);
		vd_write_u8(w, (uint8_t)digits[byte & 15]);
	}
	return value.len > 0;
}

/* ---- hashes ---- */

static bool parse_peer(struct vd_bytes text, struct vd_write *w)
{
	char copy[256];
	struct vd_peer_id id;

	if (!copy_text(text, copy, sizeof copy) || vd_peer_id_of_text(copy, &id))
		return false;
	vd_write_bytes(w, vd_peer_id_bytes(&id));
	return true;
}

static bool print_peer(struct vd_bytes value, struct vd_write *w)
{
	char text[VD_PEER_ID_TEXT];
	struct vd_peer_id id;

	if (vd_peer_id_of_bytes(value, &id))
		return false;
	write_text(w, vd_peer_id_text(&id, text));
	return true;
}

/* libp2p/specs, webtransport: a multihash, in text with multibase; base64url is usual. */
static bool is_multihash(struct vd_bytes value)
{
	struct vd_multihash hash;

	return vd_multihash_of_bytes(value, &hash) == VD_OK;
}

static bool parse_certhash(struct vd_bytes text, struct vd_write *w)
{
	uint8_t bytes[VD_MULTIHASH_MAX];
	size_t len;

	if (vd_multibase_decode(text, bytes, sizeof bytes, &len))
		return false;
	vd_write_bytes(w, vd_bytes(bytes, len));
	return is_multihash(vd_bytes(bytes, len));
}

static bool print_certhash(struct vd_bytes value, struct vd_write *w)
{
	char text[VD_MULTIHASH_MAX * 4 / 3 + 8];

	if (!is_multihash(value) || vd_multibase_encode(VD_BASE64URL, value, text, sizeof text))
		return false;
	write_text(w, text);
	return true;
}

/* ---- onion: base32 and a port ---- */

static bool parse_onion_of(size_t bytes, struct vd_bytes text, struct vd_write *w)
{
	size_t digits = bytes * 8 / 5, len;
	uint8_t host[35];
	uint32_t port;

	if (text.len < digits + 2 || text.at[digits] != ':' ||
	    vd_base_decode(VD_BASE32, vd_bytes(text.at, digits), host, bytes, &len) ||
	    !parse_number(vd_bytes(text.at + digits + 1, text.len - digits - 1), UINT16_MAX, &port))
		return false;
	vd_write_bytes(w, vd_bytes(host, bytes));
	vd_write_be16(w, (uint16_t)port);
	return port > 0;
}

static bool print_onion_any(struct vd_bytes value, struct vd_write *w)
{
	char text[64];
	size_t bytes = value.len - 2;
	uint16_t port = vd_be16_load(value.at + bytes);

	if (port == 0 || vd_base_encode(VD_BASE32, vd_bytes(value.at, bytes), text, sizeof text))
		return false;
	write_text(w, text);
	vd_write_u8(w, ':');
	print_number(w, port);
	return true;
}

static bool parse_onion(struct vd_bytes text, struct vd_write *w)
{
	return parse_onion_of(10, text, w);
}

static bool parse_onion3(struct vd_bytes text, struct vd_write *w)
{
	return parse_onion_of(35, text, w);
}

/* ---- garlic: I2P destinations (base64 with '-' and '~') and their hashes ---- */

enum { GARLIC64_MIN = 386 };

static void swap_bytes(char *text, char a, char to_a, char b, char to_b)
{
	for (; *text; text++)
		*text = *text == a ? to_a : *text == b ? to_b : *text;
}

static bool parse_garlic64(struct vd_bytes text, struct vd_write *w)
{
	char copy[VD_MULTIADDR_MAX * 4 / 3 + 8];
	uint8_t bytes[VD_MULTIADDR_MAX];
	size_t len;

	if (has_byte(text, '+') || has_byte(text, '/') || !copy_text(text, copy, sizeof copy))
		return false;
	swap_bytes(copy, '-', '+', '~', '/');
	if (vd_base_decode(VD_BASE64PAD, vd_bytes_of_text(copy), bytes, sizeof bytes, &len))
		return false;
	vd_write_bytes(w, vd_bytes(bytes, len));
	return len >= GARLIC64_MIN;
}

static bool print_garlic64(struct vd_bytes value, struct vd_write *w)
{
	char text[VD_MULTIADDR_MAX * 4 / 3 + 8];

	if (value.len < GARLIC64_MIN || vd_base_encode(VD_BASE64PAD, value, text, sizeof text))
		return false;
	swap_bytes(text, '+', '-', '/', '~');
	write_text(w, text);
	return true;
}

/* A SHA-256, or, for encrypted lease sets, 35 bytes and more. */
static bool is_garlic32_len(size_t len)
{
	return len == 32 || len >= 35;
}

static bool parse_garlic32(struct vd_bytes text, struct vd_write *w)
{
	uint8_t bytes[VD_MULTIADDR_MAX];
	size_t len;

	if (vd_base_decode(VD_BASE32, text, bytes, sizeof bytes, &len))
		return false;
	vd_write_bytes(w, vd_bytes(bytes, len));
	return is_garlic32_len(len);
}

static bool print_garlic32(struct vd_bytes value, struct vd_write *w)
{
	char text[VD_MULTIADDR_MAX * 8 / 5 + 8];

	if (!is_garlic32_len(value.len) || vd_base_encode(VD_BASE32, value, text, sizeof text))
		return false;
	write_text(w, text);
	return true;
}

/* ---- the table ---- */

static const struct vd_multiaddr_kind none = { .bytes = 0 };
static const struct vd_multiaddr_kind ip4 = { 4, parse_ip4, print_ip4, false };
static const struct vd_multiaddr_kind ip6 = { 16, parse_ip6, print_ip6, false };
static const struct vd_multiaddr_kind port = { 2, parse_port, print_port, false };
static const struct vd_multiaddr_kind cidr = { 1, parse_cidr, print_cidr, false };
static const struct vd_multiaddr_kind onion = { 12, parse_onion, print_onion_any, false };
static const struct vd_multiaddr_kind onion3 = { 37, parse_onion3, print_onion_any, false };
static const struct vd_multiaddr_kind name = { VD_MA_VARIABLE, copy_name, copy_name, false };
static const struct vd_multiaddr_kind path = { VD_MA_VARIABLE, copy_path, copy_path, true };
static const struct vd_multiaddr_kind percent = { VD_MA_VARIABLE, parse_percent, print_percent,
						  false };
static const struct vd_multiaddr_kind peer = { VD_MA_VARIABLE, parse_peer, print_peer, false };
static const struct vd_multiaddr_kind certhash = { VD_MA_VARIABLE, parse_certhash, print_certhash,
						   false };
static const struct vd_multiaddr_kind garlic64 = { VD_MA_VARIABLE, parse_garlic64, print_garlic64,
						   false };
static const struct vd_multiaddr_kind garlic32 = { VD_MA_VARIABLE, parse_garlic32, print_garlic32,
						   false };

/* multiformats/multiaddr, protocols.csv, whole; the last is ours. Of two names for one
 * code the first is printed. */
static const struct vd_multiaddr_component components[] = {
	{ VD_MA_IP4, "ip4", &ip4 },
	{ VD_MA_TCP, "tcp", &port },
	{ 33, "dccp", &port },
	{ VD_MA_IP6, "ip6", &ip6 },
	{ 42, "ip6zone", &name },
	{ 43, "ipcidr", &cidr },
	{ VD_MA_DNS, "dns", &name },
	{ VD_MA_DNS4, "dns4", &name },
	{ VD_MA_DNS6, "dns6", &name },
	{ VD_MA_DNSADDR, "dnsaddr", &name },
	{ 132, "sctp", &port },
	{ VD_MA_UDP, "udp", &port },
	{ 275, "p2p-webrtc-star", &none },
	{ 276, "p2p-webrtc-direct", &none },
	{ 277, "p2p-stardust", &none },
	{ 280, "webrtc-direct", &none },
	{ 281, "webrtc", &none },
	{ 290, "p2p-circuit", &none },
	{ 301, "udt", &none },
	{ 302, "utp", &none },
	{ 400, "unix", &path },
	{ VD_MA_P2P, "p2p", &peer },
	{ VD_MA_P2P, "ipfs", &peer },
	{ 443, "https", &none },
	{ 444, "onion", &onion },
	{ 445, "onion3", &onion3 },
	{ 446, "garlic64", &garlic64 },
	{ 447, "garlic32", &garlic32 },
	{ 448, "tls", &none },
	{ 449, "sni", &name },
	{ 454, "noise", &none },
	{ 460, "quic", &none },
	{ 461, "quic-v1", &none },
	{ 465, "webtransport", &none },
	{ 466, "certhash", &certhash },
	{ 477, "ws", &none },
	{ 478, "wss", &none },
	{ 479, "p2p-websocket-star", &none },
	{ 480, "http", &none },
	{ 481, "http-path", &percent },
	{ 777, "memory", &name },
	{ VD_MA_VIADUCT, "viaduct", &none },
};

enum { COMPONENTS = sizeof components / sizeof components[0] };

const struct vd_multiaddr_component *vd_multiaddr_component_of_code(uint64_t code)
{
	for (size_t i = 0; i < COMPONENTS; i++)
		if (components[i].code == code)
			return &components[i];
	return NULL;
}

const struct vd_multiaddr_component *vd_multiaddr_component_of_name(struct vd_bytes text)
{
	for (size_t i = 0; i < COMPONENTS; i++)
		if (vd_bytes_equal(vd_bytes_of_text(components[i].name), text))
			return &components[i];
	return NULL;
}
