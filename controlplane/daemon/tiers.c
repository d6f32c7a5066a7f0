/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/tiers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/udp_addr.h"

static const char hash_prefix[] = "sha256:";
enum { HASH_TEXT = sizeof hash_prefix - 1 + 2 * VD_TOKEN_HASH, LINE = 256, V4_BITS = 96 };

__attribute__((format(printf, 2, 3))) static enum vd_err wrong(char why[TIER_TOKEN_WHY],
							       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, TIER_TOKEN_WHY, format, args);
	va_end(args);
	return VD_EUSER;
}

/* Room for one more; grown by doubling: a power of two is full. */
static void *grown(void *at, uint32_t count, size_t size, char why[TIER_TOKEN_WHY])
{
	if (count & (count - 1))
		return at;
	at = reallocarray(at, count ? 2 * (size_t)count : 1, size);
	if (!at)
		(void)wrong(why, "no memory for so many entries");
	return at;
}

/* ---- CIDR ---- */

/* Whether the first `bits` of both are the same. */
static bool same_prefix(const uint8_t a[16], const uint8_t b[16], unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return memcmp(a, b, bytes) == 0 &&
	       (!rest || (uint8_t)((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0);
}

/* ::/0 is all of IPv6, and none of IPv4. */
static bool cidr_has(const struct tier_cidr *cidr, const uint8_t ip[16])
{
	return cidr->v4 == vd_ip_is_ip4(ip) && same_prefix(cidr->ip, ip, cidr->bits);
}

bool tier_cidr_list_has(const struct tier_cidr_list *list, const uint8_t ip[16])
{
	for (uint32_t i = 0; i < list->count; i++)
		if (cidr_has(&list->at[i], ip))
			return true;
	return false;
}

static bool bits_of_text(const char *text, unsigned most, unsigned *bits_out)
{
	size_t len = strlen(text);

	if (len == 0 || len > 3 || strspn(text, "0123456789") != len || (len > 1 && *text == '0'))
		return false;
	*bits_out = (unsigned)strtoul(text, NULL, 10);
	return *bits_out <= most;
}

static bool cidr_of_text(const char *item, struct tier_cidr *out)
{
	struct tier_cidr cidr = { .ip = { [10] = 0xff, [11] = 0xff } };
	const char *slash = strchr(item, '/');
	size_t len = slash ? (size_t)(slash - item) : strlen(item);
	char address[INET6_ADDRSTRLEN];
	unsigned bits, most;

	if (len >= sizeof address)
		return false;
	memcpy(address, item, len);
	address[len] = 0;
	cidr.v4 = inet_pton(AF_INET, address, cidr.ip + 12) == 1;
	if (!cidr.v4 && inet_pton(AF_INET6, address, cidr.ip) != 1)
		return false;
	bits = most = cidr.v4 ? 32 : 128;
	if (slash && !bits_of_text(slash + 1, most, &bits))
		return false;
	cidr.bits = (uint8_t)(bits + (cidr.v4 ? V4_BITS : 0));
	*out = cidr;
	return true;
}

/* The network that an address with bits beyond the length is in. */
static void clear_host(struct tier_cidr *cidr)
{
	for (unsigned bit = cidr->bits; bit < 128; bit++)
		cidr->ip[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

static void network_text(const struct tier_cidr *cidr, char out[LINE])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(cidr->v4 ? AF_INET : AF_INET6, cidr->v4 ? cidr->ip + 12 : cidr->ip, address,
		  sizeof address);
	snprintf(out, LINE, "%s/%u", address, cidr->bits - (cidr->v4 ? V4_BITS : 0u));
}

enum vd_err tier_cidr_list_add(struct tier_cidr_list *list, const char *item,
			       char why[TIER_TOKEN_WHY])
{
	struct tier_cidr cidr, network;
	char text[LINE];
	void *at;

	if (!cidr_of_text(item, &cidr))
		return wrong(why,
			     "`%.60s` is not a network; write it as 198.18.0.0/16 or \"fd00::/8\"",
			     item);
	if (!cidr.v4 && vd_ip_is_ip4(cidr.ip) && cidr.bits >= V4_BITS)
		return wrong(
		    why, "`%.60s` is an IPv4 address written as IPv6; write it as 198.18.0.0/16",
		    item);
	network = cidr;
	clear_host(&network);
	network_text(&network, text);
	if (memcmp(&network, &cidr, sizeof cidr) != 0)
		return wrong(why, "`%.60s` has bits set beyond its length; write %s", item, text);
	if (list->count == CONFIG_CIDRS_MAX)
		return wrong(why, "has more than %d networks; take some out", CONFIG_CIDRS_MAX);
	at = grown(list->at, list->count, sizeof *list->at, why);
	if (!at)
		return VD_ENOMEM;
	list->at = at;
	list->at[list->count++] = cidr;
	return VD_OK;
}

void tier_cidr_list_fini(struct tier_cidr_list *list)
{
	free(list->at);
	*list = (struct tier_cidr_list){ 0 };
}

bool tier_cidr_list_equal(const struct tier_cidr_list *a, const struct tier_cidr_list *b)
{
	return a->given == b->given && a->count == b->count &&
	       (!a->count || memcmp(a->at, b->at, a->count * sizeof *a->at) == 0);
}

/* ---- tokens ---- */

void tier_token_hash(const uint8_t *token, size_t len, uint8_t hash_out[VD_TOKEN_HASH])
{
	crypto_hash_sha256(hash_out, token, len);
}

/* All are looked at: the time tells neither whether nor which. */
bool tier_token_list_has(const struct tier_token_list *list, const uint8_t hash[VD_TOKEN_HASH])
{
	unsigned found = 0;

	for (uint32_t i = 0; i < list->count; i++)
		found |= sodium_memcmp(list->hashes[i], hash, VD_TOKEN_HASH) == 0;
	return found;
}

static enum vd_err add_hash(struct tier_token_list *list, const char *item,
			    char why[TIER_TOKEN_WHY])
{
	uint8_t hash[VD_TOKEN_HASH];
	size_t len = strlen(item), got;
	const char *digits = item + sizeof hash_prefix - 1;
	void *hashes;

	if (len != HASH_TEXT || strncmp(item, hash_prefix, sizeof hash_prefix - 1) != 0 ||
	    sodium_hex2bin(hash, sizeof hash, digits, strlen(digits), NULL, &got, NULL) ||
	    got != sizeof hash)
		return wrong(why, "an entry is neither sha256: and 64 hex digits nor the path of a "
				  "file of such; `viaduct token hash FILE` tells what to write");
	if (list->count == CONFIG_TOKENS_MAX)
		return wrong(why, "has more than %d tokens; take some out", CONFIG_TOKENS_MAX);
	hashes = grown(list->hashes, list->count, sizeof *list->hashes, why);
	if (!hashes)
		return VD_ENOMEM;
	list->hashes = hashes;
	memcpy(list->hashes[list->count++], hash, sizeof hash);
	return VD_OK;
}

/* A hash between blanks; empty lines and those that begin with # are passed over. */
static enum vd_err add_line(struct tier_token_list *list, char *line, size_t len,
			    char why[TIER_TOKEN_WHY])
{
	if (memchr(line, 0, len))
		return wrong(why, "has a NUL byte; name a text file of hashes");
	line += strspn(line, " \t\r\n");
	line[strcspn(line, " \t\r\n")] = 0;
	return *line && *line != '#' ? add_hash(list, line, why) : VD_OK;
}

static enum vd_err add_lines(struct tier_token_list *list, FILE *file, const char *path,
			     char why[TIER_TOKEN_WHY])
{
	char *line = NULL, cause[TIER_TOKEN_WHY];
	size_t room = 0;
	ssize_t len;
	enum vd_err err = VD_OK;

	for (unsigned n = 1; !err && (len = getline(&line, &room, file)) >= 0; n++) {
		err = add_line(list, line, (size_t)len, cause);
		if (err)
			(void)wrong(why, "%.80s:%u: %.200s", path, n, cause);
	}
	if (!err && !feof(file))
		err = wrong(why, "%.200s cannot be read: %s; name a file of hashes", path,
			    strerror(errno));
	free(line);
	return err;
}

static enum vd_err add_file(struct tier_token_list *list, const char *path,
			    char why[TIER_TOKEN_WHY])
{
	FILE *file = fopen(path, "re");
	enum vd_err err;

	if (!file)
		return wrong(why, "%.200s cannot be read: %s; let this user read it", path,
			     strerror(errno));
	err = add_lines(list, file, path, why);
	fclose(file);
	return err;
}

enum vd_err tier_token_list_add(struct tier_token_list *list, const char *item,
				char why[TIER_TOKEN_WHY])
{
	return *item == '/' ? add_file(list, item, why) : add_hash(list, item, why);
}

void tier_token_list_fini(struct tier_token_list *list)
{
	free(list->hashes);
	*list = (struct tier_token_list){ 0 };
}

bool tier_token_list_equal(const struct tier_token_list *a, const struct tier_token_list *b)
{
	return a->given == b->given && a->count == b->count &&
	       (!a->count || memcmp(a->hashes, b->hashes, a->count * sizeof *a->hashes) == 0);
}

/* ---- the edge's ---- */

/* What the file holds, without the end of its line. */
static enum vd_err token_of_file(int fd, const char *path, uint8_t token_out[VD_TOKEN_MAX],
				 uint8_t *len_out, char why[TIER_TOKEN_WHY])
{
	uint8_t bytes[VD_TOKEN_MAX + 3];
	ssize_t got = read(fd, bytes, sizeof bytes);
	size_t len = got > 0 ? (size_t)got : 0;
	enum vd_err err = VD_OK;

	while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len && !err; i++)
		if (bytes[i] <= ' ' || bytes[i] > '~')
			err = wrong(why,
				    "%.200s holds more than one word; `viaduct token gen FILE` "
				    "makes a token",
				    path);
	if (!err && (len < TIER_TOKEN_MIN || len > VD_TOKEN_MAX))
		err =
		    wrong(why,
			  "%.200s holds no token of %d to %d characters; `viaduct token gen FILE` "
			  "makes one",
			  path, TIER_TOKEN_MIN, VD_TOKEN_MAX);
	if (!err) {
		memcpy(token_out, bytes, len);
		*len_out = (uint8_t)len;
	}
	sodium_memzero(bytes, sizeof bytes);
	return err;
}

enum vd_err tier_token_read(const char *path, uint8_t token_out[VD_TOKEN_MAX], uint8_t *len_out,
			    char why[TIER_TOKEN_WHY])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	enum vd_err err;

	if (fd < 0)
		return wrong(why, "%.200s cannot be read: %s; let this user read it", path,
			     strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		err = wrong(why, "%.200s is not a file; name the one with the token", path);
	else if (st.st_mode & 077)
		err = wrong(why, "%.200s can be read by others; chmod 600 it", path);
	else
		err = token_of_file(fd, path, token_out, len_out, why);
	close(fd);
	return err;
}
