/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/pcapng.h"

#include <string.h>

#include "base/bytes.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	MAGIC = 0x1a2b3c4d,
	LINKTYPE_RAW = 101,
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_FLAGS = 2, /* of a packet */
	OPTION_NAME = 2,  /* of an interface */
	OPTION_TSRESOL = 9,
	OPTION_APPLICATION = 4,
	INBOUND = 1,
	OUTBOUND = 2,
	TEXT_MAX = 256,
	BLOCK_MAX = PCAPNG_BYTES_MAX + 2 * TEXT_MAX + 256,
	IP4_BYTES = 20,
	IP6_BYTES = 40,
	UDP_BYTES = 8,
	UDP = 17,
};

/* A block in the making; numbers are in this machine's order, which the magic tells. */
struct block {
	size_t len;
	uint8_t at[BLOCK_MAX];
};

static void put(struct block *b, const void *bytes, size_t len)
{
	memcpy(b->at + b->len, bytes, len);
	b->len += len;
}

static void put_u16(struct block *b, uint16_t value)
{
	put(b, &value, sizeof value);
}

static void put_u32(struct block *b, uint32_t value)
{
	put(b, &value, sizeof value);
}

static void pad(struct block *b)
{
	static const uint8_t zeros[4];

	put(b, zeros, -b->len & 3);
}

static void put_option(struct block *b, uint16_t code, const void *value, size_t len)
{
	put_u16(b, code);
	put_u16(b, (uint16_t)len);
	put(b, value, len);
	pad(b);
}

static void put_text(struct block *b, uint16_t code, const char *text)
{
	put_option(b, code, text, strnlen(text, TEXT_MAX));
}

static struct block begin(uint32_t type)
{
	struct block b = { 0 };

	put_u32(&b, type);
	put_u32(&b, 0); /* the length, at the end */
	return b;
}

static void end(FILE *out, struct block *b)
{
	uint32_t len;

	put_option(b, OPTION_END, "", 0);
	len = (uint32_t)b->len + 4;
	memcpy(b->at + 4, &len, sizeof len);
	put_u32(b, len);
	(void)fwrite(b->at, b->len, 1, out);
}

void pcapng_begin(FILE *out, const char *application)
{
	struct block b = begin(BLOCK_SECTION);

	put_u32(&b, MAGIC);
	put_u16(&b, 1); /* version 1.0 */
	put_u16(&b, 0);
	put_u32(&b, UINT32_MAX); /* the section's length is not told */
	put_u32(&b, UINT32_MAX);
	put_text(&b, OPTION_APPLICATION, application);
	end(out, &b);
}

void pcapng_interface(FILE *out, const char *name)
{
	static const uint8_t nanoseconds = 9;
	struct block b = begin(BLOCK_INTERFACE);

	put_u16(&b, LINKTYPE_RAW);
	put_u16(&b, 0);
	put_u32(&b, PCAPNG_SNAP);
	put_text(&b, OPTION_NAME, name);
	put_option(&b, OPTION_TSRESOL, &nanoseconds, 1);
	end(out, &b);
}

/* ---- packets ---- */

static uint16_t checksum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < IP4_BYTES; i += 2)
		sum += vd_be16_load(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static size_t ip4_header(const struct pcapng_packet *packet, uint8_t out[IP6_BYTES])
{
	memset(out, 0, IP4_BYTES);
	out[0] = 0x45;
	vd_be16_store(out + 2, (uint16_t)(IP4_BYTES + UDP_BYTES + packet->len));
	out[6] = 0x40; /* DF */
	out[8] = 64;
	out[9] = UDP;
	memcpy(out + 12, packet->from.ip + 12, 4);
	memcpy(out + 16, packet->to.ip + 12, 4);
	vd_be16_store(out + 10, checksum(out));
	return IP4_BYTES;
}

static size_t ip6_header(const struct pcapng_packet *packet, uint8_t out[IP6_BYTES])
{
	memset(out, 0, IP6_BYTES);
	out[0] = 0x60;
	vd_be16_store(out + 4, (uint16_t)(UDP_BYTES + packet->len));
	out[6] = UDP;
	out[7] = 64;
	memcpy(out + 8, packet->from.ip, 16);
	memcpy(out + 24, packet->to.ip, 16);
	return IP6_BYTES;
}

static size_t headers(const struct pcapng_packet *packet, uint8_t out[IP6_BYTES + UDP_BYTES])
{
	size_t len =
	    vd_udp_addr_is_ip4(&packet->from) ? ip4_header(packet, out) : ip6_header(packet, out);
	uint8_t *udp = out + len;

	vd_be16_store(udp, packet->from.port);
	vd_be16_store(udp + 2, packet->to.port);
	vd_be16_store(udp + 4, (uint16_t)(UDP_BYTES + packet->len));
	vd_be16_store(udp + 6, 0);
	return len + UDP_BYTES;
}

void pcapng_write(FILE *out, const struct pcapng_packet *packet)
{
	struct block b = begin(BLOCK_PACKET);
	uint8_t before[IP6_BYTES + UDP_BYTES];
	size_t head = packet->raw ? 0 : headers(packet, before);
	size_t kept = packet->kept < PCAPNG_BYTES_MAX ? packet->kept : PCAPNG_BYTES_MAX;
	uint32_t flags = packet->out ? OUTBOUND : INBOUND;

	put_u32(&b, packet->interface);
	put_u32(&b, (uint32_t)(packet->at_ns >> 32));
	put_u32(&b, (uint32_t)packet->at_ns);
	put_u32(&b, (uint32_t)(head + kept));
	put_u32(&b, (uint32_t)(head + packet->len));
	put(&b, before, head);
	put(&b, packet->bytes, kept);
	pad(&b);
	put_option(&b, OPTION_FLAGS, &flags, sizeof flags);
	if (packet->comment)
		put_text(&b, OPTION_COMMENT, packet->comment);
	end(out, &b);
}
