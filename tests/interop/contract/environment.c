/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/interop/contract/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	bool older, failed;
	char *why;
};

/* NULL when it is not set, or empty. */
static const char *look(const struct reader *reader, const char *newer, const char *older)
{
	const char *name = reader->older ? older : newer;
	const char *value = name ? getenv(name) : NULL;

	return value && *value ? value : NULL;
}

static void refuse(struct reader *reader, const char *name, const char *value, const char *wanted)
{
	if (!reader->failed)
		snprintf(reader->why, ENVIRONMENT_WHY, "%s is %s, wants %s", name,
			 value ? value : "not set", wanted);
	reader->failed = true;
}

/* One of two words, the first when it is neither and the reader fails. */
static const char *choose(struct reader *reader, const char *newer, const char *older,
			  const char *one, const char *other)
{
	const char *value = look(reader, newer, older);
	char wanted[40];

	if (value && strcmp(value, one) == 0)
		return one;
	if (value && strcmp(value, other) == 0)
		return other;
	snprintf(wanted, sizeof wanted, strcmp(one, other) == 0 ? "%s" : "%s or %s", one, other);
	refuse(reader, reader->older ? older : newer, value, wanted);
	return one;
}

static uint32_t number(struct reader *reader, const char *name, const char *text, uint32_t most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value == 0 || value > most) {
		refuse(reader, name, text, "a number above 0");
		return 0;
	}
	return (uint32_t)value;
}

static void read_redis(struct reader *reader, struct environment *to)
{
	const char *name = reader->older ? "redis_addr" : "REDIS_ADDR";
	const char *value = look(reader, name, name);
	const char *colon;

	if (!value)
		value = "redis:6379";
	colon = strrchr(value, ':');
	if (!colon || colon == value || (size_t)(colon - value) >= sizeof to->redis_host) {
		refuse(reader, name, value, "HOST:PORT");
		return;
	}
	snprintf(to->redis_host, sizeof to->redis_host, "%.*s", (int)(colon - value), value);
	to->redis_port = (uint16_t)number(reader, name, colon + 1, UINT16_MAX);
}

static void read_key(struct reader *reader, struct environment *to)
{
	static const char suffix[] = "_listener_multiaddr";
	const char *key = getenv("TEST_KEY");

	if (reader->older)
		snprintf(to->key, sizeof to->key, "listenerAddr");
	else if (strlen(key) + sizeof suffix > sizeof to->key)
		refuse(reader, "TEST_KEY", key, "less");
	else
		snprintf(to->key, sizeof to->key, "%s%s", key, suffix);
}

bool environment_read(struct environment *environment_out, char why[ENVIRONMENT_WHY])
{
	const char *key = getenv("TEST_KEY");
	struct reader reader = { .older = !key || !*key, .why = why };
	struct environment to = { .older = reader.older };
	const char *ip = look(&reader, "LISTENER_IP", "ip");
	const char *timeout = look(&reader, "TEST_TIMEOUT_SECS", "test_timeout_seconds");
	const char *debug = look(&reader, "DEBUG", NULL);

	choose(&reader, "TRANSPORT", "transport", "tcp", "tcp");
	to.security = choose(&reader, "SECURE_CHANNEL", "security", "noise", "tls");
	choose(&reader, "MUXER", "muxer", "yamux", "yamux");
	to.dialer = strcmp(choose(&reader, "IS_DIALER", "is_dialer", "true", "false"), "true") == 0;
	to.listen_ip = ip ? ip : "0.0.0.0";
	to.timeout_s = timeout ? number(&reader, "the time-out", timeout, 86400) : 180;
	to.debug = debug && strcmp(debug, "true") == 0;
	read_redis(&reader, &to);
	read_key(&reader, &to);
	if (!reader.failed)
		*environment_out = to;
	return !reader.failed;
}
