/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * pcapng: writes captured datagrams as Wireshark and tcpdump read them (IETF
 * draft-ietf-opsawg-pcapng: Section Header, Interface Description and Enhanced Packet
 * Blocks). Of the client.
 *
 * Packets are raw IP (LINKTYPE_RAW): the IP and UDP headers are made anew from the two
 * ends, so one file holds sockets and Ethernet ports alike. UDP checksums are 0, since
 * what they would cover is cut off.
 *
 * Memory: nothing is kept. Errors are the stream's (ferror).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/udp_addr.h"

enum { PCAPNG_SNAP = 65535, PCAPNG_BYTES_MAX = 2048 };

struct pcapng_packet {
	uint32_t interface; /* in the order of pcapng_interface, from 0 */
	uint64_t at_ns;     /* since 1970 */
	bool out;
	struct vd_udp_addr from, to;
	bool raw;             /* `bytes` begin with the IP header, and not with the UDP payload */
	const uint8_t *bytes; /* of the UDP payload: those that were kept */
	size_t kept;          /* at most PCAPNG_BYTES_MAX */
	size_t len;           /* of the whole UDP payload */
	const char *comment;  /* NULL: none */
};

void pcapng_begin(FILE *out, const char *application);
void pcapng_interface(FILE *out, const char *name);
void pcapng_write(FILE *out, const struct pcapng_packet *packet);
