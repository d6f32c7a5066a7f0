/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/pcapng.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct file {
	char *at;
	size_t len;
};

static struct file written(const struct pcapng_packet *packet)
{
	struct file file = { 0 };
	FILE *out = open_memstream(&file.at, &file.len);

	pcapng_begin(out, "test");
	pcapng_interface(out, "u0");
	if (packet)
		pcapng_write(out, packet);
	fclose(out);
	return file;
}

static uint32_t word(const struct file *file, size_t at)
{
	uint32_t value;

	memcpy(&value, file->at + at, sizeof value);
	return value;
}

/* Where block `number` begins; every block's length stands at both its ends. */
static size_t block(const struct file *file, unsigned number)
{
	size_t at = 0;

	for (unsigned i = 0; i < number; i++) {
		uint32_t len = word(file, at + 4);

		cr_assert(zero(uint, len % 4));
		cr_assert(eq(u32, word(file, at + len - 4), len));
		at += len;
	}
	return at;
}

static struct pcapng_packet packet_of(const uint8_t *bytes, size_t kept, size_t len)
{
	return (struct pcapng_packet){
		.at_ns = UINT64_C(0x1122334455667788),
		.from = { .ip = { [10] = 0xff, 0xff, 198, 18, 0, 1 }, .port = 4001 },
		.to = { .ip = { [10] = 0xff, 0xff, 198, 18, 0, 2 }, .port = 999 },
		.bytes = bytes,
		.kept = kept,
		.len = len,
		.comment = "drop bad_tag",
	};
}

Test(pcapng, blocks_are_whole_and_in_order)
{
	const uint8_t bytes[5] = { 6, 1, 2, 3, 4 };
	struct pcapng_packet packet = packet_of(bytes, 5, 5);
	struct file file = written(&packet);

	cr_assert(eq(u32, word(&file, 0), 0x0a0d0d0a));
	cr_assert(eq(u32, word(&file, 8), 0x1a2b3c4d));
	cr_assert(eq(u32, word(&file, block(&file, 1)), 1));
	cr_assert(eq(u32, word(&file, block(&file, 1) + 8), 101), "raw IP");
	cr_assert(eq(u32, word(&file, block(&file, 2)), 6));
	cr_assert(eq(sz, block(&file, 3), file.len));
	cr_assert(not(zero(ptr, memmem(file.at, file.len, "drop bad_tag", 12))));
	free(file.at);
}

Test(pcapng, a_packet_says_when_how_long_and_what)
{
	const uint8_t bytes[5] = { 6, 1, 2, 3, 4 };
	struct pcapng_packet packet = packet_of(bytes, 5, 700);
	struct file file = written(&packet);
	size_t at = block(&file, 2);
	const uint8_t *ip = (const uint8_t *)file.at + at + 28;

	cr_assert(eq(u32, word(&file, at + 12), 0x11223344));
	cr_assert(eq(u32, word(&file, at + 16), 0x55667788));
	cr_assert(eq(u32, word(&file, at + 20), 20 + 8 + 5));
	cr_assert(eq(u32, word(&file, at + 24), 20 + 8 + 700));
	cr_assert(eq(uint, ip[0], 0x45));
	cr_assert(eq(uint, vd_be16_load(ip + 2), 20 + 8 + 700));
	cr_assert(eq(uint, vd_be16_load(ip + 20), 4001));
	cr_assert(eq(uint, vd_be16_load(ip + 22), 999));
	cr_assert(zero(int, memcmp(ip + 28, bytes, 5)));
	free(file.at);
}

/* RFC 1071: the sum over a right header, its checksum included, is all ones. */
Test(pcapng, the_header_checksum_is_right)
{
	struct pcapng_packet packet = packet_of((const uint8_t *)"", 0, 0);
	struct file file = written(&packet);
	const uint8_t *ip = (const uint8_t *)file.at + block(&file, 2) + 28;
	uint32_t sum = 0;

	for (size_t i = 0; i < 20; i += 2)
		sum += vd_be16_load(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	cr_assert(eq(u32, (sum & 0xffff) + (sum >> 16), 0xffff));
	free(file.at);
}

Test(pcapng, ipv6_ends_get_an_ipv6_header)
{
	struct pcapng_packet packet = packet_of((const uint8_t *)"\6", 1, 1);

	packet.from = packet.to = (struct vd_udp_addr){ .ip = { 0xfd, [15] = 1 }, .port = 1 };
	struct file file = written(&packet);
	const uint8_t *ip = (const uint8_t *)file.at + block(&file, 2) + 28;
	cr_assert(eq(uint, ip[0] >> 4, 6));
	cr_assert(eq(uint, vd_be16_load(ip + 4), 9));
	cr_assert(eq(uint, ip[48], 6));
	free(file.at);
}
