/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * dns_server: answers DNS questions over UDP on loopback from a table, on a test's own loop; well
 * or badly, as the table says.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "base/bytes.h"

enum dns_type {
	DNS_A = 1,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	/* For any question about the name: */
	DNS_SILENT = 1000,
	DNS_SERVFAIL,
	DNS_GARBAGE,   /* no DNS at all */
	DNS_CUT,       /* an answer that ends amid a record */
	DNS_OTHER,     /* of another question */
	DNS_BAD_COUNT, /* claims 65535 answers, has none */
};

struct dns_row {
	const char *name;
	enum dns_type type;
	const char *data; /* address or text */
};

struct dns_server {
	uv_udp_t udp;
	const struct dns_row *rows; /* ended by a NULL name */
	unsigned questions;
	char address[32]; /* 127.0.0.1:port, for a resolver's config */
};

static void dns_read_name(struct vd_read *r, char out[256])
{
	size_t len = 0;
	uint8_t label;

	while ((label = vd_read_u8(r)) && label < 64 && len + label + 1 < 256) {
		vd_read_copy(r, out + len, label);
		len += label;
		out[len++] = '.';
	}
	out[len ? len - 1 : 0] = 0;
}

static void dns_write_data(struct vd_write *w, const struct dns_row *row)
{
	size_t len = strlen(row->data);
	uint8_t ip[16];

	if (row->type == DNS_TXT) { /* strings of at most 255 bytes */
		vd_write_be16(w, (uint16_t)(len + len / 255 + 1));
		for (size_t at = 0; at <= len; at += 255) {
			size_t part = len - at < 255 ? len - at : 255;

			vd_write_u8(w, (uint8_t)part);
			vd_write_bytes(w, vd_bytes(row->data + at, part));
		}
		return;
	}
	cr_assert(inet_pton(row->type == DNS_A ? AF_INET : AF_INET6, row->data, ip) == 1);
	vd_write_be16(w, row->type == DNS_A ? 4 : 16);
	vd_write_bytes(w, vd_bytes(ip, row->type == DNS_A ? 4 : 16));
}

static void dns_write_record(struct vd_write *w, const struct dns_row *row)
{
	vd_write_be16(w, 0xc00c); /* the question's name */
	vd_write_be16(w, (uint16_t)row->type);
	vd_write_be16(w, 1);
	vd_write_be32(w, 60);
	dns_write_data(w, row);
}

/* What a name answers to any question; 0: as its records say. */
static enum dns_type dns_special(const struct dns_server *server, const char *name, bool *known_out)
{
	*known_out = false;
	for (const struct dns_row *row = server->rows; row->name; row++) {
		if (strcasecmp(row->name, name) != 0)
			continue;
		*known_out = true;
		if (row->type >= DNS_SILENT)
			return row->type;
	}
	return 0;
}

static size_t dns_answer(const struct dns_server *server, struct vd_bytes in, uint8_t *out,
			 size_t cap)
{
	struct vd_write w = vd_write_to(out, cap);
	struct vd_read r = vd_read_of(in);
	unsigned answers = 0, code = 0;
	char name[256] = "";
	enum dns_type special;
	uint16_t id, type;
	size_t question;
	bool known;

	id = vd_read_be16(&r);
	(void)vd_read_bytes(&r, 10);
	dns_read_name(&r, name);
	type = vd_read_be16(&r);
	(void)vd_read_be16(&r);
	question = (size_t)(r.at - in.at) - 12;
	special = dns_special(server, name, &known);
	if (r.err || special == DNS_SILENT)
		return 0;
	if (special == DNS_GARBAGE) {
		vd_write_bytes(&w, vd_bytes_of_text("this is no answer of DNS"));
		return vd_write_len(&w);
	}
	code = special == DNS_SERVFAIL ? 2 : known ? 0 : 3;
	vd_write_be16(&w, id);
	vd_write_be16(&w, (uint16_t)(0x8180 | code));
	vd_write_be16(&w, 1);
	vd_write_be16(&w, 0);
	vd_write_be32(&w, 0);
	vd_write_bytes(&w, vd_bytes(in.at + 12, question));
	if (special == DNS_OTHER)
		out[13]++; /* a letter of the name */
	for (const struct dns_row *row = server->rows; row->name; row++)
		if (strcasecmp(row->name, name) == 0 && row->type == type) {
			dns_write_record(&w, row);
			answers++;
		}
	vd_be16_store(out + 6, special == DNS_BAD_COUNT ? 65535 : (uint16_t)answers);
	return vd_write_len(&w) - (special == DNS_CUT ? 3 : 0);
}

static void dns_give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
	static char room[65536];

	(void)handle;
	(void)wanted;
	*buffer = uv_buf_init(room, sizeof room);
}

static void dns_on_question(uv_udp_t *udp, ssize_t got, const uv_buf_t *buffer,
			    const struct sockaddr *from, unsigned flags)
{
	struct dns_server *server = udp->data;
	static uint8_t out[65536];
	uv_buf_t reply;
	size_t len;

	(void)flags;
	if (got <= 0 || !from)
		return;
	server->questions++;
	len = dns_answer(server, vd_bytes(buffer->base, (size_t)got), out, sizeof out);
	reply = uv_buf_init((char *)out, (unsigned)len);
	if (len)
		uv_udp_try_send(udp, &reply, 1, from);
}

static void dns_server_begin(struct dns_server *server, uv_loop_t *loop, const struct dns_row *rows)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	int len = sizeof at;

	*server = (struct dns_server){ .rows = rows };
	uv_udp_init(loop, &server->udp);
	server->udp.data = server;
	cr_assert(uv_udp_bind(&server->udp, (struct sockaddr *)&at, 0) == 0);
	cr_assert(uv_udp_getsockname(&server->udp, (struct sockaddr *)&at, &len) == 0);
	cr_assert(uv_udp_recv_start(&server->udp, dns_give_buffer, dns_on_question) == 0);
	snprintf(server->address, sizeof server->address, "127.0.0.1:%u", ntohs(at.sin_port));
}

static void dns_server_end(struct dns_server *server)
{
	uv_close((uv_handle_t *)&server->udp, NULL);
}
