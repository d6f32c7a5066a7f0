/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/api/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void metrics_init(struct metrics *m)
{
	*m = (struct metrics){ 0 };
}

void metrics_fini(struct metrics *m)
{
	free(m->text);
	*m = (struct metrics){ 0 };
}

/* Room for `len` more bytes and a NUL. */
static bool grow(struct metrics *m, size_t len)
{
	size_t cap = m->cap ? m->cap : 4096;
	char *text;

	if (m->failed)
		return false;
	if (m->cap - m->len > len)
		return true;
	while (cap - m->len <= len)
		cap *= 2;
	text = (char *)realloc(m->text, cap);
	if (!text) {
		m->failed = true;
		return false;
	}
	m->text = text;
	m->cap = cap;
	return true;
}

static void put_bytes(struct metrics *m, const char *bytes, size_t len)
{
	if (!grow(m, len))
		return;
	memcpy(m->text + m->len, bytes, len);
	m->len += len;
	m->text[m->len] = 0;
}

static void put(struct metrics *m, const char *text)
{
	put_bytes(m, text, strlen(text));
}

/* OpenMetrics 1.0.0, ABNF escaped-string: backslash, line feed, double quote. */
static void put_escaped(struct metrics *m, const char *text)
{
	for (;; text++) {
		size_t plain = strcspn(text, "\\\n\"");

		put_bytes(m, text, plain);
		text += plain;
		if (!*text)
			return;
		put(m, *text == '\n' ? "\\n" : *text == '"' ? "\\\"" : "\\\\");
	}
}

static void begin(struct metrics *m, const char *name, const char *type, const char *help)
{
	m->name = name;
	m->counter = strcmp(type, "counter") == 0;
	put(m, "# HELP ");
	put(m, name);
	put(m, " ");
	put_escaped(m, help);
	put(m, "\n# TYPE ");
	put(m, name);
	put(m, " ");
	put(m, type);
	put(m, "\n");
}

void metrics_counter(struct metrics *m, const char *name, const char *help)
{
	begin(m, name, "counter", help);
}

void metrics_gauge(struct metrics *m, const char *name, const char *help)
{
	begin(m, name, "gauge", help);
}

static void put_label(struct metrics *m, const char *before, const char *name, const char *value)
{
	put(m, before);
	put(m, name);
	put(m, "=\"");
	put_escaped(m, value);
	put(m, "\"");
}

/* `end`: of a bucket, the last label; NULL: none. */
static void sample(struct metrics *m, const char *suffix, const char *value,
		   const char *const *labels, const char *end)
{
	const char *before = "{";

	put(m, m->name);
	put(m, suffix);
	for (size_t i = 0; labels[i] && labels[i + 1]; i += 2, before = ",")
		put_label(m, before, labels[i], labels[i + 1]);
	if (end)
		put_label(m, before, "le", end);
	put(m, end || (labels[0] && labels[1]) ? "} " : " ");
	put(m, value);
	put(m, "\n");
}

static void sample_u64(struct metrics *m, const char *suffix, uint64_t value,
		       const char *const *labels, const char *end)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	sample(m, suffix, text, labels, end);
}

static void sample_double(struct metrics *m, const char *suffix, double value,
			  const char *const *labels)
{
	char text[40];

	if (isnan(value))
		snprintf(text, sizeof text, "NaN");
	else if (isinf(value))
		snprintf(text, sizeof text, "%cInf", value < 0 ? '-' : '+');
	else
		snprintf(text, sizeof text, "%.17g", value);
	sample(m, suffix, text, labels, NULL);
}

static const char *suffix_of(const struct metrics *m)
{
	return m->counter ? "_total" : "";
}

void metrics_sample_u64(struct metrics *m, uint64_t value, const char *const *labels)
{
	sample_u64(m, suffix_of(m), value, labels, NULL);
}

void metrics_sample_double(struct metrics *m, double value, const char *const *labels)
{
	sample_double(m, suffix_of(m), value, labels);
}

void metrics_histogram(struct metrics *m, const char *name, const char *help)
{
	begin(m, name, "histogram", help);
}

void metrics_sample_bucket(struct metrics *m, uint64_t count, const char *end,
			   const char *const *labels)
{
	sample_u64(m, "_bucket", count, labels, end);
}

void metrics_sample_sum(struct metrics *m, uint64_t count, double sum, const char *const *labels)
{
	sample_u64(m, "_count", count, labels, NULL);
	sample_double(m, "_sum", sum, labels);
}

enum vd_err metrics_finish(struct metrics *m)
{
	put(m, "# EOF\n");
	return m->failed ? VD_ENOMEM : VD_OK;
}
