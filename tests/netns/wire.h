/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * wire: Ethernet frames with UDP in them, listened to in one network namespace and sent in
 * another, for attackers on the path (harm.c).
 *
 * Threads: one. Memory: values.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_BYTES = 4096,
	WIRE_ETHER = 14,
	WIRE_UDP = 8,
	WIRE_PORT = 4001, /* of the overlay's datagrams */
};

/* A frame, and where its parts begin. */
struct wire_frame {
	uint8_t bytes[WIRE_BYTES];
	size_t len;
	size_t udp_at, at; /* UDP header, its payload */
	bool ip4;
};

/* A packet socket on `interface` in the namespace of process `pid`; ends the program on failure. */
int wire_open(const char *pid, const char *interface);

/*
 * The next frame to or from the overlay's port whose payload begins with `first`; `outgoing`: that
 * leaves by the interface, else that comes in. False: none within 5 s.
 */
bool wire_listen(int fd, bool outgoing, uint8_t first, struct wire_frame *frame_out);

void wire_send(int fd, const struct wire_frame *frame);

/* Another payload; lengths and checksums are made right. */
void wire_set_payload(struct wire_frame *frame, const uint8_t *payload, size_t len);
size_t wire_payload_len(const struct wire_frame *frame);
/* After the headers were changed by hand. */
void wire_sum_ip(struct wire_frame *frame);
void wire_sum_udp(struct wire_frame *frame);

/*
 * Sends bytes [from, from + len) of what follows the IP header as a fragment of datagram `id`.
 * from and, unless it is the last one, len are multiples of 8. Beyond the frame's end it is made
 * of its beginning.
 */
void wire_send_fragment(int fd, const struct wire_frame *frame, uint16_t id, size_t from,
			size_t len, bool last);
