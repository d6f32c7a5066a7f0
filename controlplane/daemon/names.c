/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "controlplane/route/overlay.h"

struct reading {
	struct names names;
	size_t cap;
	const char *file;
	unsigned line;
	uint16_t prefix;
	char *why;
};

static enum vd_err wrong(const struct reading *r, const char *what, const char *word)
{
	snprintf(r->why, NAMES_WHY, "%s:%u: `%.64s` %s", r->file, r->line, word, what);
	return VD_EUSER;
}

/* ---- words ---- */

static bool is_name(const char *word)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._";
	size_t len = strlen(word);

	return len > 0 && len < NAMES_TEXT && strspn(word, allowed) == len && word[0] != '-';
}

/* The address or peer id that begins a line. */
static enum vd_err read_who(const struct reading *r, const char *word, struct names_row *row)
{
	if (!vd_peer_id_of_text(word, &row->peer)) {
		route_overlay_address(r->prefix, &row->peer, row->overlay);
		return VD_OK;
	}
	row->peer.len = 0;
	if (inet_pton(AF_INET6, word, row->overlay) != 1)
		return wrong(r, "is neither an overlay address nor a peer id; see `viaduct id`",
			     word);
	if (vd_be16_load(row->overlay) != r->prefix)
		return wrong(r,
			     "is no overlay address: it is outside session.prefix; take the line "
			     "out",
			     word);
	return VD_OK;
}

static_assert(NAMES_MAX == 8192, "as read_name says");

static enum vd_err read_name(const struct reading *r, const char *word, struct names_row *row)
{
	const struct names_row *known = names_find(&r->names, word);
	struct vd_peer_id peer;

	if (!is_name(word) || !vd_peer_id_of_text(word, &peer))
		return wrong(r,
			     "is no name; take at most 63 letters, digits, `-`, `.` and `_`, and "
			     "no peer id",
			     word);
	if (known && memcmp(known->overlay, row->overlay, sizeof row->overlay) != 0)
		return wrong(r, "is the name of another peer already; take another one", word);
	if (r->names.count == NAMES_MAX)
		return wrong(r, "is one name too many; 8,192 is the limit", word);
	snprintf(row->name, sizeof row->name, "%s", word);
	return VD_OK;
}

static enum vd_err add_row(struct reading *r, const struct names_row *row)
{
	if (names_find(&r->names, row->name))
		return VD_OK; /* twice on a line, or on two */
	if (r->names.count == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 16;
		struct names_row *more = realloc(r->names.rows, cap * sizeof *more);

		if (!more) {
			snprintf(r->why, NAMES_WHY, "%s: out of memory", r->file);
			return VD_ENOMEM;
		}
		r->names.rows = more;
		r->cap = cap;
	}
	r->names.rows[r->names.count++] = *row;
	return VD_OK;
}

static enum vd_err read_line(struct reading *r, char *line)
{
	static const char blank[] = " \t\r";
	char *rest = NULL, *word;
	struct names_row row = { 0 };
	enum vd_err err;

	line[strcspn(line, "#")] = 0;
	word = strtok_r(line, blank, &rest);
	if (!word)
		return VD_OK;
	err = read_who(r, word, &row);
	if (err)
		return err;
	if (!(line = strtok_r(NULL, blank, &rest)))
		return wrong(r, "has no name; write one behind it", word);
	for (; line && !err; line = strtok_r(NULL, blank, &rest)) {
		err = read_name(r, line, &row);
		if (!err)
			err = add_row(r, &row);
	}
	return err;
}

/* ---- the whole ---- */

/* Sorts by address and keeps the order of the file within one. */
static int by_overlay(const void *a, const void *b)
{
	return memcmp(((const struct names_row *)a)->overlay,
		      ((const struct names_row *)b)->overlay, 16);
}

/* Insertion from behind: stable, and files are nearly always short. */
static enum vd_err sort(struct names *names)
{
	struct names_row *sorted = malloc((names->count + 1) * sizeof *sorted);
	size_t count = 0;

	if (!sorted)
		return VD_ENOMEM;
	for (size_t i = 0; i < names->count; i++) {
		size_t at = count++;

		while (at > 0 && by_overlay(&sorted[at - 1], &names->rows[i]) > 0) {
			sorted[at] = sorted[at - 1];
			at--;
		}
		sorted[at] = names->rows[i];
	}
	free(names->rows);
	names->rows = sorted;
	return VD_OK;
}

enum vd_err names_parse(struct vd_bytes text, const char *file, uint16_t prefix,
			struct names *names_out, char why[NAMES_WHY])
{
	struct reading r = { .file = file, .prefix = prefix, .why = why };
	char *copy = malloc(text.len + 1), *rest = copy, *line;
	enum vd_err err = VD_OK;

	if (!copy)
		return VD_ENOMEM;
	if (text.len)
		memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	while (!err && (line = strsep(&rest, "\n"))) {
		r.line++;
		err = read_line(&r, line);
	}
	if (!err && memchr(text.at ? text.at : (const uint8_t *)"", 0, text.len))
		err = wrong(&r, "is somewhere in it: this is no text file", "NUL");
	free(copy);
	if (!err)
		err = sort(&r.names);
	if (err)
		names_fini(&r.names);
	else
		*names_out = r.names;
	return err;
}

enum vd_err names_read(const char *path, uint16_t prefix, struct names *names_out,
		       char why[NAMES_WHY])
{
	FILE *file = fopen(path, "re");
	uint8_t *bytes = malloc(NAMES_FILE_MAX);
	enum vd_err err = VD_ESYS;
	size_t len;

	snprintf(why, NAMES_WHY, "%s: %s; make it readable, or take names.file out", path,
		 strerror(errno));
	if (file && bytes) {
		len = fread(bytes, 1, NAMES_FILE_MAX, file);
		if (ferror(file))
			snprintf(why, NAMES_WHY, "%s: %s; name a file", path, strerror(errno));
		else if (len == NAMES_FILE_MAX)
			snprintf(why, NAMES_WHY, "%s: larger than 1 MiB; name a smaller file",
				 path);
		else
			err = names_parse(vd_bytes(bytes, len), path, prefix, names_out, why);
	}
	free(bytes);
	if (file)
		fclose(file);
	return err;
}

void names_fini(struct names *names)
{
	free(names->rows);
	*names = (struct names){ 0 };
}

/* ---- looking ---- */

const struct names_row *names_find(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcasecmp(names->rows[i].name, name) == 0)
			return &names->rows[i];
	return NULL;
}

const struct names_row *names_of(const struct names *names, const uint8_t overlay[16])
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(names->rows[middle].overlay, overlay, 16) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < names->count && memcmp(names->rows[low].overlay, overlay, 16) == 0
		   ? &names->rows[low]
		   : NULL;
}
