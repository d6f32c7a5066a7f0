/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/tiers.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/init.h"
#include "controlplane/daemon/config.h"

#define ID    "12D3KooWGzBXWNvHpLALvz3jhwdc43CnmYv1Rm7aYmGrAEjWmYb3"
#define OTHER "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
#define TOKEN "correct-horse-battery"

static struct config config;
static struct config_error error;
static struct vd_peer_id peer, other;

static void setup(void)
{
	cr_assert(eq(int, vd_init(), VD_OK));
	config_default(&config);
	cr_assert(eq(int, vd_peer_id_of_text(ID, &peer), VD_OK));
	cr_assert(eq(int, vd_peer_id_of_text(OTHER, &other), VD_OK));
}

static void teardown(void)
{
	config_fini(&config);
}

TestSuite(tiers, .init = setup, .fini = teardown);

static void tiers(const char *text)
{
	char all[4096];

	snprintf(all, sizeof all, "link:\n  tiers:\n%s", text);
	cr_assert(eq(int, config_parse(vd_bytes_of_text(all), "v", &config, &error), VD_OK), "%s",
		  error.text);
}

static void ip_of(const char *text, uint8_t out[16])
{
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	if (inet_pton(AF_INET, text, out + 12) != 1)
		cr_assert(eq(int, inet_pton(AF_INET6, text, out), 1));
}

/* "" when refused. */
static const char *tier_of(const struct vd_peer_id *who, const char *address, const char *token)
{
	uint8_t ip[16], hash[VD_TOKEN_HASH];
	struct tier_claim claim = { .peer = who };
	const struct tier *tier;

	if (address) {
		ip_of(address, ip);
		claim.ip = ip;
	}
	if (token) {
		tier_token_hash((const uint8_t *)token, strlen(token), hash);
		claim.token = hash;
	}
	tier = config_tier_of(&config, &claim);
	return tier ? tier->name : "";
}

#define ASSERT_TIER(got, name) cr_assert(eq(str, (char *)(got), (char *)(name)))

/* ---- networks ---- */

static const struct {
	const char *network, *address;
	bool in;
} networks[] = {
	{ "198.18.0.0/16", "198.18.0.0", true },
	{ "198.18.0.0/16", "198.18.255.255", true },
	{ "198.18.0.0/16", "198.19.0.0", false },
	{ "198.18.0.0/15", "198.19.255.255", true },
	{ "198.18.7.128/25", "198.18.7.127", false },
	{ "198.18.7.128/25", "198.18.7.128", true },
	{ "198.18.1.1", "198.18.1.1", true },
	{ "198.18.1.1", "198.18.1.0", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "fd00::1", false },
	{ "::/0", "fd00::1", true },
	{ "::/0", "203.0.113.9", false },
	{ "fd00::/8", "fdff:ffff::1", true },
	{ "fd00::/8", "fe00::1", false },
	{ "fd00:1:2:3::/65", "fd00:1:2:3:7fff::", true },
	{ "fd00:1:2:3::/65", "fd00:1:2:3:8000::", false },
	{ "fd00::1", "fd00::1", true },
	{ "fd00::1/128", "fd00::2", false },
};

Test(tiers, an_address_is_in_a_network_by_its_first_bits)
{
	for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
		struct tier_cidr_list list = { 0 };
		char why[TIER_TOKEN_WHY];
		uint8_t ip[16];

		cr_assert(eq(int, tier_cidr_list_add(&list, networks[i].network, why), VD_OK), "%s",
			  why);
		ip_of(networks[i].address, ip);
		cr_assert(eq(int, tier_cidr_list_has(&list, ip), networks[i].in), "row %zu", i);
		tier_cidr_list_fini(&list);
	}
}

static const struct {
	const char *text, *says;
} bad_networks[] = {
	{ "", "is not a network" },
	{ "198.18.0.0/", "is not a network" },
	{ "198.18.0.0/33", "is not a network" },
	{ "198.18.0/16", "is not a network" },
	{ "198.18.0.0/016", "is not a network" },
	{ "198.18.0.0/-1", "is not a network" },
	{ "198.18.0.0/1x", "is not a network" },
	{ "fd00::/129", "is not a network" },
	{ "fd00::/8/8", "is not a network" },
	{ "viaduct.example", "is not a network" },
	{ "198.18.1.0/16", "write 198.18.0.0/16" },
	{ "fd00::1/8", "write fd00::/8" },
	{ "::ffff:198.18.0.0/112", "as 198.18.0.0/16" },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333/8", "is not a network" },
};

Test(tiers, what_is_no_network_is_told_with_its_cure)
{
	for (size_t i = 0; i < sizeof bad_networks / sizeof bad_networks[0]; i++) {
		struct tier_cidr_list list = { 0 };
		char why[TIER_TOKEN_WHY] = "";

		cr_assert(eq(int, tier_cidr_list_add(&list, bad_networks[i].text, why), VD_EUSER),
			  "%s", bad_networks[i].text);
		cr_assert(strstr(why, bad_networks[i].says) != NULL, "%s", why);
		cr_assert(zero(u32, list.count));
	}
}

Test(tiers, errors_in_networks_and_tokens_name_the_line)
{
	static const struct {
		const char *text, *key;
		unsigned line;
	} rows[] = {
		{ "link:\n  tiers:\n    - name: a\n      cidrs: [ 198.18.0.0/16,\n        x ]\n",
		  "link.tiers[0].cidrs", 5 },
		{ "link:\n  tiers:\n    - name: a\n      tokens:\n        - secret\n",
		  "link.tiers[0].tokens", 5 },
		{ "link:\n  tiers:\n    - { name: a, tokens: [ /nowhere ] }\n",
		  "link.tiers[0].tokens", 3 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cr_assert(eq(int,
			     config_parse(vd_bytes_of_text(rows[i].text), "v", &config, &error),
			     VD_EUSER));
		cr_assert(eq(uint, error.line, rows[i].line), "%s", error.text);
		cr_assert(eq(str, error.key, (char *)rows[i].key), "%s", error.text);
		cr_assert(strstr(error.text, "secret") == NULL, "a token is not repeated");
	}
}

/* ---- tiers ---- */

Test(tiers, the_conditions_of_a_tier_hold_together)
{
	char text[1024];
	uint8_t hash[VD_TOKEN_HASH];
	char hex[2 * VD_TOKEN_HASH + 1];

	tier_token_hash((const uint8_t *)TOKEN, strlen(TOKEN), hash);
	for (unsigned i = 0; i < sizeof hash; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	snprintf(text, sizeof text,
		 "    - { name: all, peers: [ " ID " ], cidrs: [ 198.18.0.0/16 ], tokens: [ "
		 "\"sha256:%s\" ] }\n"
		 "    - { name: near, cidrs: [ 198.18.0.0/16, \"fd00::/8\" ] }\n"
		 "    - { name: shown, tokens: [ \"sha256:%s\" ] }\n"
		 "    - { name: known, peers: [ " ID " ] }\n",
		 hex, hex);
	tiers(text);
	ASSERT_TIER(tier_of(&peer, "198.18.3.4", TOKEN), "all");
	ASSERT_TIER(tier_of(&other, "198.18.3.4", TOKEN), "near");
	ASSERT_TIER(tier_of(&peer, "198.18.3.4", NULL), "near");
	ASSERT_TIER(tier_of(&other, "fd12::1", NULL), "near");
	ASSERT_TIER(tier_of(&peer, "198.19.0.1", TOKEN), "shown");
	ASSERT_TIER(tier_of(&other, NULL, TOKEN), "shown");
	ASSERT_TIER(tier_of(&peer, "198.19.0.1", NULL), "known");
	ASSERT_TIER(tier_of(&peer, "198.19.0.1", TOKEN "x"), "known");
	ASSERT_TIER(tier_of(&other, "198.19.0.1", NULL), "");
	ASSERT_TIER(tier_of(&other, "198.19.0.1", "wrong-token-of-mine"), "");
}

Test(tiers, an_empty_list_is_for_nobody_and_a_list_left_out_for_all)
{
	tiers("    - { name: none, peers: [], cidrs: [ 0.0.0.0/0 ] }\n"
	      "    - { name: nowhere, peers: any, cidrs: [] }\n"
	      "    - { name: untold, peers: any, tokens: [] }\n");
	ASSERT_TIER(tier_of(&peer, "198.18.3.4", TOKEN), "");
	tiers("    - { name: everywhere, cidrs: [ 0.0.0.0/0 ] }\n");
	ASSERT_TIER(tier_of(&peer, "198.18.3.4", NULL), "everywhere");
	ASSERT_TIER(tier_of(&peer, NULL, NULL), "");
}

/* ---- files ---- */

static char path[64];

static void put(const char *text, mode_t mode)
{
	snprintf(path, sizeof path, "/tmp/viaduct-test-token-%d", (int)getpid());
	FILE *file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
	chmod(path, mode);
}

Test(tiers, hashes_are_read_from_a_file_too)
{
	char text[256];
	struct tier_token_list list = { 0 };
	char why[TIER_TOKEN_WHY];
	uint8_t hash[VD_TOKEN_HASH] = { 0x8e, 0x0b };

	snprintf(text, sizeof text, "# ours\n\nsha256:8e0b%060d\n", 0);
	put(text, 0644);
	cr_assert(eq(int, tier_token_list_add(&list, path, why), VD_OK), "%s", why);
	cr_assert(eq(u32, list.count, 1));
	cr_assert(tier_token_list_has(&list, hash));
	hash[31] = 1;
	cr_assert(not(tier_token_list_has(&list, hash)));
	tier_token_list_fini(&list);
	put("sha256:8e0b\n", 0644);
	cr_assert(eq(int, tier_token_list_add(&list, path, why), VD_EUSER));
	cr_assert(strstr(why, ":1:") != NULL, "%s", why);
	unlink(path);
}

Test(tiers, blanks_before_a_hash_and_long_comments_are_taken)
{
	char text[1024];
	struct tier_token_list list = { 0 };
	char why[TIER_TOKEN_WHY] = "";

	snprintf(text, sizeof text, "# %0600d\n \t \n  # ours\n\t sha256:8e0b%060d\n", 0, 0);
	put(text, 0644);
	cr_assert(eq(int, tier_token_list_add(&list, path, why), VD_OK), "%s", why);
	cr_assert(eq(u32, list.count, 1));
	tier_token_list_fini(&list);
	put("  sha256:8e0b\n", 0644);
	cr_assert(eq(int, tier_token_list_add(&list, path, why), VD_EUSER));
	cr_assert(strstr(why, ":1:") != NULL, "%s", why);
	unlink(path);
}

Test(tiers, a_file_of_hashes_is_text)
{
	static const char wide[] = "\0#\0 \0o\0u\0r\0s\0\n"; /* UTF-16 */
	struct tier_token_list list = { 0 };
	char why[TIER_TOKEN_WHY] = "";
	FILE *file;

	put("", 0644);
	file = fopen(path, "we");
	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(sz, fwrite(wide, 1, sizeof wide - 1, file), sizeof wide - 1));
	fclose(file);
	cr_assert(eq(int, tier_token_list_add(&list, path, why), VD_EUSER));
	cr_assert(strstr(why, ":1: has a NUL byte; name a text file") != NULL, "%s", why);
	cr_assert(zero(u32, list.count));
	unlink(path);
}

Test(tiers, a_folder_is_no_file_of_hashes)
{
	struct tier_token_list list = { 0 };
	char why[TIER_TOKEN_WHY] = "";

	cr_assert(eq(int, tier_token_list_add(&list, "/tmp", why), VD_EUSER));
	cr_assert(strstr(why, "/tmp cannot be read: Is a directory; ") != NULL, "%s", why);
	cr_assert(zero(u32, list.count));
}

Test(tiers, a_token_file_is_one_word_that_its_owner_alone_reads)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *says; /* NULL: taken */
	} rows[] = {
		{ TOKEN "\n", 0600, NULL },
		{ TOKEN, 0400, NULL },
		{ TOKEN "\r\n", 0600, NULL },
		{ TOKEN "\n", 0640, "chmod 600" },
		{ TOKEN "\n", 0604, "chmod 600" },
		{ "short\n", 0600, "no token of 16 to 64" },
		{ "", 0600, "no token of 16 to 64" },
		{ "two words that are long\n", 0600, "more than one word" },
		{ "0123456789012345678901234567890123456789012345678901234567890123\n", 0600,
		  NULL },
		{ "01234567890123456789012345678901234567890123456789012345678901234\n", 0600,
		  "no token of 16 to 64" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t token[VD_TOKEN_MAX], len;
		char why[TIER_TOKEN_WHY] = "";
		enum vd_err err;

		put(rows[i].text, rows[i].mode);
		err = tier_token_read(path, token, &len, why);
		cr_assert(eq(int, (int)err, rows[i].says ? VD_EUSER : VD_OK), "row %zu: %s", i,
			  why);
		if (rows[i].says)
			cr_assert(strstr(why, rows[i].says) != NULL, "row %zu: %s", i, why);
		else
			cr_assert(eq(u8, len, (uint8_t)strcspn(rows[i].text, "\r\n")), "row %zu",
				  i);
	}
	unlink(path);
}
