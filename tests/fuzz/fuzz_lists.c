/* Targets: controlplane/daemon/tiers.c, the file of tokens' hashes; base/formats/server_list.c */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/formats/server_list.h"
#include "base/init.h"
#include "controlplane/daemon/tiers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEX = 2 * VD_TOKEN_HASH + 1, TEXT = 512 };

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* ---- hashes of tokens ---- */

static enum vd_err read_file(struct vd_bytes in, struct tier_token_list *list)
{
	char path[32], why[TIER_TOKEN_WHY] = "";
	int fd = memfd_create("hashes", 0);
	enum vd_err err;

	expect(fd >= 0 && (in.len == 0 || write(fd, in.at, in.len) == (ssize_t)in.len));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	err = tier_token_list_add(list, path, why);
	close(fd);
	expect(list->count <= CONFIG_TOKENS_MAX);
	if (err)
		expect(strncmp(why, path, strlen(path)) == 0 && strlen(why) + 1 < sizeof why);
	return err;
}

/* Lines with something in them that are no remarks. */
static uint32_t lines_of(struct vd_bytes in)
{
	static const char blanks[] = " \t\r";
	uint32_t count = 0;
	bool begins = true; /* nothing but blanks so far */

	for (size_t i = 0; i < in.len; i++) {
		if (in.at[i] == '\n') {
			begins = true;
		} else if (begins && !(in.at[i] && strchr(blanks, in.at[i]))) {
			begins = false;
			count += in.at[i] != '#';
		}
	}
	return count;
}

/* What was read is read again from what is written of it. */
static void read_hashes(struct vd_bytes in)
{
	struct tier_token_list list = { 0 }, again = { 0 };
	char why[TIER_TOKEN_WHY], item[sizeof "sha256:" + HEX], hex[HEX];

	if (!read_file(in, &list)) {
		expect(list.count == lines_of(in));
		for (uint32_t i = 0; i < list.count; i++) {
			sodium_bin2hex(hex, sizeof hex, list.hashes[i], VD_TOKEN_HASH);
			snprintf(item, sizeof item, "sha256:%s", hex);
			expect(!tier_token_list_add(&again, item, why));
			expect(tier_token_list_has(&list, again.hashes[i]));
		}
		expect(tier_token_list_equal(&list, &again));
	}
	tier_token_list_fini(&list);
	tier_token_list_fini(&again);
}

/* ---- servers ---- */

/* Each item is one by itself, and any address is one. */
static bool are_servers(const char *text)
{
	char item[TEXT];
	uint8_t ip[16];

	while (true) {
		size_t len = strcspn(text, ",");
		bool is_one;

		memcpy(item, text, len);
		item[len] = 0;
		is_one = vd_is_server_list(item);
		expect(is_one ||
		       (inet_pton(AF_INET, item, ip) != 1 && inet_pton(AF_INET6, item, ip) != 1));
		if (!is_one || !text[len])
			return is_one;
		text += len + 1;
	}
}

static void read_servers(struct vd_bytes in)
{
	char text[2 * TEXT];
	size_t len = in.len < TEXT - 1 ? in.len : TEXT - 1;

	if (len)
		memcpy(text, in.at, len);
	text[len] = 0;
	expect(vd_is_server_list(text) == are_servers(text));
	if (!vd_is_server_list(text))
		return;
	len = strlen(text);
	expect(*text && strspn(text, "0123456789abcdefABCDEF.:,[]") == strlen(text));
	snprintf(text + len, sizeof text - len, ",192.0.2.1:53");
	expect(vd_is_server_list(text));
	text[len + 1] = 0; /* a comma, and nothing */
	expect(!vd_is_server_list(text));
}

/* The first byte chooses. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || vd_init())
		return 0;
	if (*data & 1)
		read_servers(vd_bytes(data + 1, size - 1));
	else
		read_hashes(vd_bytes(data + 1, size - 1));
	return 0;
}
