/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * harm LISTEN_PID LISTEN_IF in|out SEND_PID SEND_IF ATTACK: somebody on the path. Listens to the
 * overlay's datagrams at an interface, and sends what he makes of them on another one, towards
 * whom they were for. Prints what he expects to be counted, a line each:
 *
 *	REASON[+REASON …] NUMBER
 *
 * ATTACK is a name of the table below. Nothing of it is an endless flood: at most 5,000 a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/netns/wire.h"

enum {
	SWITCH_HEADER = 33,
	AT_RECEIVER = 1,
	AT_COUNTER = 5,
	GENUINE = 64, /* frames of the good flow that are used */
	SWITCH = 6,
	PAUSE_NS = 200000,
};

struct attacker {
	int listen_fd, send_fd;
	bool outgoing;
};

static void pause_a_little(void)
{
	struct timespec span = { .tv_nsec = PAUSE_NS };

	nanosleep(&span, NULL);
}

static void hurl(const struct attacker *a, const struct wire_frame *frame)
{
	wire_send(a->send_fd, frame);
	pause_a_little();
}

static struct wire_frame overhear(const struct attacker *a)
{
	struct wire_frame frame;

	if (!wire_listen(a->listen_fd, a->outgoing, SWITCH, &frame)) {
		fprintf(stderr, "harm: no frame to be overheard\n");
		exit(1);
	}
	return frame;
}

static void hurl_payload(const struct attacker *a, struct wire_frame frame, const uint8_t *payload,
			 size_t len)
{
	wire_set_payload(&frame, payload, len);
	hurl(a, &frame);
}

/* A counter that was never used, so that the window lets it pass. */
static void renew(struct wire_frame *frame)
{
	frame->bytes[frame->at + AT_COUNTER] = 0x40;
}

/* Every length from nothing up to one byte less than the frame, then every length of what the
 * control thread reads. */
static void truncated(const struct attacker *a)
{
	static const uint8_t punted[] = { 4, 5, 7 };
	struct wire_frame frame = overhear(a);
	size_t len = wire_payload_len(&frame);
	uint8_t copy[WIRE_BYTES];

	renew(&frame);
	memcpy(copy, frame.bytes + frame.at, len);
	for (size_t cut = 0; cut < len; cut++)
		hurl_payload(a, frame, copy, cut);
	printf("truncated %d\nbad_tag %zu\n", SWITCH_HEADER, len - SWITCH_HEADER);
	for (unsigned i = 0; i < sizeof punted; i++)
		for (size_t cut = 1; cut < SWITCH_HEADER; cut++) {
			copy[0] = punted[i];
			hurl_payload(a, frame, copy, cut);
		}
	printf("punted %zu\n", sizeof punted * (SWITCH_HEADER - 1));
}

/* In one Ethernet frame larger than any buffer, and in one that is just larger than a path. */
static void oversized(const struct attacker *a)
{
	struct wire_frame frame = overhear(a);
	uint8_t payload[3000] = { SWITCH };

	for (unsigned i = 0; i < GENUINE; i++)
		hurl_payload(a, frame, payload, sizeof payload - i);
	printf("oversized %d\n", GENUINE);
}

/* IP versions, first bytes and types of handshakes that there are not. */
static void version(const struct attacker *a)
{
	struct wire_frame frame = overhear(a), other = frame;
	uint8_t handshake[64] = { 4 };

	for (unsigned first = 0; first < 256; first++)
		if (first < 4 || first > 7) {
			frame.bytes[frame.at] = (uint8_t)first;
			wire_sum_udp(&frame);
			hurl(a, &frame);
		}
	for (unsigned type = 5; type < 256; type++) {
		handshake[1] = (uint8_t)type;
		hurl_payload(a, frame, handshake, sizeof handshake);
	}
	for (unsigned ip = 0; ip < 16; ip++)
		if (ip != (other.ip4 ? 4 : 6)) {
			other.bytes[WIRE_ETHER] =
			    (uint8_t)(ip << 4 | (other.bytes[WIRE_ETHER] & 15));
			wire_sum_ip(&other);
			hurl(a, &other);
		}
	printf("not_ours 252\nhandshake_bad_frame 251\nbad_header 15\n");
}

/* Receiver indices that nobody gave out, in frames, control messages, handshakes and reports. */
static void unknown(const struct attacker *a)
{
	struct wire_frame frame = overhear(a);
	uint8_t *payload = frame.bytes + frame.at;

	for (unsigned i = 0; i < 1000; i++) {
		uint32_t index = (uint32_t)random();

		memcpy(payload + AT_RECEIVER, &index, sizeof index);
		wire_sum_udp(&frame);
		hurl(a, &frame);
	}
	printf("unknown_index 990\n"); /* a guess may hit a slot */
	payload[0] = 5;
	for (unsigned i = 0; i < 100; i++) {
		payload[AT_RECEIVER] = (uint8_t)i;
		wire_sum_udp(&frame);
		hurl(a, &frame);
	}
	payload[0] = 4;
	for (unsigned i = 0; i < 200; i++) {
		payload[1] = (uint8_t)(2 + i % 2);
		payload[6] = (uint8_t)i;
		wire_sum_udp(&frame);
		hurl(a, &frame);
	}
	printf("handshake_unknown_index 290\n");
}

static void replayed(const struct attacker *a)
{
	static struct wire_frame frames[GENUINE];

	for (unsigned i = 0; i < GENUINE; i++)
		frames[i] = overhear(a);
	for (unsigned round = 0; round < 8; round++)
		for (unsigned i = 0; i < GENUINE; i++)
			hurl(a, &frames[i]);
	printf("replayed %d\n", 8 * GENUINE);
}

/* Every bit of one frame, once as it was, and once under a counter that the window lets pass. */
static void flipped(const struct attacker *a)
{
	struct wire_frame frame = overhear(a), again = frame;
	size_t bits = 8 * wire_payload_len(&frame);

	renew(&again);
	for (size_t bit = 0; bit < bits; bit++) {
		struct wire_frame copies[2] = { frame, again };

		for (unsigned i = 0; i < 2; i++) {
			copies[i].bytes[copies[i].at + bit / 8] ^= (uint8_t)(1 << bit % 8);
			wire_sum_udp(&copies[i]);
			hurl(a, &copies[i]);
		}
	}
	/*
	 * 6 flips of the first byte make nothing of ours, one a handshake and one a report; all
	 * others stay switch frames, and are refused by one name or another. An index that is one
	 * bit away may be that of the other link (slots 0 and 1, with one generation by 1 in 256).
	 */
	printf("bad_tag %zu\nreplayed %zu\nunknown_index 62\nnot_ours 12\n", bits - 64, bits - 160);
	printf("bad_tag+replayed+unknown_index %zu\n", 2 * (bits - 8));
}

/* Of a genuine frame: in two halves, the first alone, the last alone, overlapping, tiny. */
static void fragments(const struct attacker *a)
{
	struct wire_frame frame = overhear(a);
	size_t len = frame.len - frame.udp_at, half = len / 16 * 8;

	for (uint16_t id = 1; id <= 40; id++) {
		wire_send_fragment(a->send_fd, &frame, id, 0, half, false);
		if (id <= 10)
			wire_send_fragment(a->send_fd, &frame, id, half, len - half, true);
		else if (id <= 20)
			wire_send_fragment(a->send_fd, &frame, id, half - 8, len - half + 8, true);
		else if (id <= 30)
			wire_send_fragment(a->send_fd, &frame, id, 64000, 8, true);
		pause_a_little();
	}
	for (uint16_t id = 50; id < 60; id++)
		for (size_t from = 0; from < len; from += 8, pause_a_little())
			wire_send_fragment(a->send_fd, &frame, id, from,
					   len - from < 8 ? len - from : 8, len - from <= 8);
	printf("fragment 70\nreassembled 20\n");
}

/* Headers that contradict each other, then sums that are wrong. */
static void checksums(const struct attacker *a)
{
	struct wire_frame frame = overhear(a), bad;
	size_t len_at = frame.ip4 ? WIRE_ETHER + 2 : WIRE_ETHER + 4;

	for (unsigned i = 0; i < 50; i++) {
		bad = frame;
		bad.bytes[bad.udp_at + 6] ^= 0x55; /* UDP's sum */
		hurl(a, &bad);
		bad = frame;
		if (bad.ip4)
			bad.bytes[WIRE_ETHER + 10] ^= 0x55; /* IP's */
		else
			memset(bad.bytes + bad.udp_at + 6, 0, 2); /* none, which IPv6 forbids */
		hurl(a, &bad);
		bad = frame;
		bad.bytes[len_at] = 0x20; /* longer than it is */
		wire_sum_ip(&bad);
		hurl(a, &bad);
		bad = frame;
		bad.bytes[bad.udp_at + 4] =
		    (uint8_t)(i % 2 ? 0x20 : 0); /* UDP's length, long or short */
		bad.bytes[bad.udp_at + 5] = 7;
		hurl(a, &bad);
	}
	printf("bad_checksum 50\nbad_header 100\nudp_checksum 50\n");
}

/* Reports of lost frames: of none, of one that was sent, and as an answer to nothing. */
static void lost(const struct attacker *a)
{
	struct wire_frame frame = overhear(a);
	uint8_t report[14] = { 7, 0 };

	memcpy(report + 2, frame.bytes + frame.at + AT_RECEIVER, 12);
	for (unsigned i = 0; i < 300; i++) {
		report[1] = (uint8_t)(i % 6);
		report[2] ^= (uint8_t)(i & 1);
		hurl_payload(a, frame, report, sizeof report);
	}
	printf("punted 300\nhandshake_bad_frame 250\nlost_disbelieved 20\n");
}

static const struct {
	const char *name;
	void (*run)(const struct attacker *a);
} attacks[] = {
	{ "truncated", truncated }, { "oversized", oversized }, { "version", version },
	{ "unknown", unknown },     { "replayed", replayed },   { "flipped", flipped },
	{ "fragments", fragments }, { "checksums", checksums }, { "lost", lost },
};

int main(int argc, char **argv)
{
	struct attacker attacker;

	for (unsigned i = 0; argc == 7 && i < sizeof attacks / sizeof attacks[0]; i++) {
		if (strcmp(argv[6], attacks[i].name) != 0)
			continue;
		attacker.outgoing = strcmp(argv[3], "out") == 0;
		attacker.listen_fd = wire_open(argv[1], argv[2]);
		attacker.send_fd = wire_open(argv[4], argv[5]);
		attacks[i].run(&attacker);
		return 0;
	}
	fprintf(stderr, "usage: harm LISTEN_PID LISTEN_IF in|out SEND_PID SEND_IF ATTACK\n");
	return 2;
}
