/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/netns/wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IP4 = 20, IP6 = 40, UDP_PROTOCOL = 17, FRAGMENT_HEADER = 44, LISTEN_MS = 5000 };

static uint16_t load16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void store16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void stop(const char *what)
{
	perror(what);
	exit(1);
}

int wire_open(const char *pid, const char *interface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	char path[64];
	int namespace, fd;

	snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || setns(namespace, CLONE_NEWNET))
		stop(path);
	close(namespace);
	at.sll_ifindex = (int)if_nametoindex(interface);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (fd < 0 || !at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof at))
		stop(interface);
	return fd;
}

/* Whether it is UDP of the overlay, with something in it. */
static bool parse(struct wire_frame *frame)
{
	const uint8_t *ip = frame->bytes + WIRE_ETHER;
	uint16_t type;

	if (frame->len < WIRE_ETHER + IP6 + WIRE_UDP + 1)
		return false;
	type = load16(frame->bytes + 12);
	frame->ip4 = type == ETHERTYPE_IP;
	if (frame->ip4 ? ip[0] != 0x45 || ip[9] != UDP_PROTOCOL
		       : type != ETHERTYPE_IPV6 || ip[6] != UDP_PROTOCOL)
		return false;
	frame->udp_at = WIRE_ETHER + (frame->ip4 ? IP4 : IP6);
	frame->at = frame->udp_at + WIRE_UDP;
	frame->len = frame->udp_at + load16(frame->bytes + frame->udp_at + 4); /* less padding */
	return load16(frame->bytes + frame->udp_at + 2) == WIRE_PORT && frame->len > frame->at &&
	       frame->len <= WIRE_BYTES;
}

bool wire_listen(int fd, bool outgoing, uint8_t first, struct wire_frame *frame_out)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	while (poll(&wait, 1, LISTEN_MS) > 0) {
		struct sockaddr_ll from;
		socklen_t from_len = sizeof from;
		ssize_t len = recvfrom(fd, frame_out->bytes, WIRE_BYTES, 0,
				       (struct sockaddr *)&from, &from_len);

		if (len < 0)
			stop("listening");
		frame_out->len = (size_t)len;
		if ((from.sll_pkttype == PACKET_OUTGOING) == outgoing && parse(frame_out) &&
		    frame_out->bytes[frame_out->at] == first)
			return true;
	}
	return false;
}

void wire_send(int fd, const struct wire_frame *frame)
{
	if (send(fd, frame->bytes, frame->len, 0) < 0)
		stop("sending");
}

size_t wire_payload_len(const struct wire_frame *frame)
{
	return frame->len - frame->at;
}

static uint32_t sum_of(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += load16(at + i);
	return sum + (len % 2 ? (uint32_t)at[len - 1] << 8 : 0);
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void wire_sum_ip(struct wire_frame *frame)
{
	uint8_t *ip = frame->bytes + WIRE_ETHER;

	if (!frame->ip4)
		return;
	store16(ip + 10, 0);
	store16(ip + 10, fold(sum_of(ip, IP4)));
}

void wire_sum_udp(struct wire_frame *frame)
{
	const uint8_t *ip = frame->bytes + WIRE_ETHER;
	uint8_t *udp = frame->bytes + frame->udp_at;
	size_t len = frame->len - frame->udp_at;
	uint16_t sum;

	store16(udp + 6, 0);
	sum = fold(UDP_PROTOCOL + (uint32_t)len + sum_of(udp, len) +
		   (frame->ip4 ? sum_of(ip + 12, 8) : sum_of(ip + 8, 32)));
	store16(udp + 6, sum ? sum : 0xffff);
}

void wire_set_payload(struct wire_frame *frame, const uint8_t *payload, size_t len)
{
	uint8_t *ip = frame->bytes + WIRE_ETHER;

	memmove(frame->bytes + frame->at, payload, len);
	frame->len = frame->at + len;
	store16(ip + (frame->ip4 ? 2 : 4), frame->ip4 ? frame->len - WIRE_ETHER : WIRE_UDP + len);
	store16(frame->bytes + frame->udp_at + 4, WIRE_UDP + len);
	wire_sum_ip(frame);
	wire_sum_udp(frame);
}

void wire_send_fragment(int fd, const struct wire_frame *frame, uint16_t id, size_t from,
			size_t len, bool last)
{
	struct wire_frame piece = { .ip4 = frame->ip4 };
	size_t data_at = frame->udp_at + from < frame->len ? frame->udp_at + from : frame->udp_at;
	uint8_t *ip = piece.bytes + WIRE_ETHER, *at = piece.bytes + frame->udp_at;

	memcpy(piece.bytes, frame->bytes, frame->udp_at);
	if (frame->ip4) {
		store16(ip + 2, IP4 + len);
		store16(ip + 4, id);
		store16(ip + 6, from / 8 | (last ? 0 : 0x2000));
		wire_sum_ip(&piece);
	} else {
		store16(ip + 4, 8 + len);
		ip[6] = FRAGMENT_HEADER;
		memset(at, 0, 8);
		at[0] = UDP_PROTOCOL;
		store16(at + 2, from | (last ? 0 : 1));
		store16(at + 6, id);
		at += 8;
	}
	memcpy(at, frame->bytes + data_at, len);
	piece.len = (size_t)(at - piece.bytes) + len;
	wire_send(fd, &piece);
}
