/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "tests/unit/base/vectors.h"

static int from_log = -1;

/* Lines go into a pipe; each test is a process of its own. */
static void setup(void)
{
	int ends[2];

	cr_assert(zero(int, pipe2(ends, O_NONBLOCK)));
	from_log = ends[0];
	vd_log_to(ends[1]);
}

/* What one read gives: all lines so far; "" for none. */
static char *lines(void)
{
	static char text[65536];
	ssize_t len = read(from_log, text, sizeof text - 1);

	text[len > 0 ? len : 0] = 0;
	return text;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* After the time, which varies. */
static char *after_time(char *line)
{
	cr_assert(gt(sz, strlen(line), 25));
	cr_assert(eq(chr, line[10], 'T'));
	cr_assert(eq(chr, line[23], 'Z'));
	return line + 25;
}

TestSuite(log, .init = setup);

Test(log, a_text_line_has_time_level_subsystem_message_and_fields)
{
	const uint8_t bytes[] = { 0x00, 0xab };

	vd_log(VD_LOG_INFO, VD_SUB_LINK, "link up", VD_STR("peer", "12D3Koo"), VD_U64("rtt_ms", 3),
	       VD_I64("skew", -5), VD_HEX("id", vd_bytes(bytes, 2)), VD_ERR(VD_EPEER_AUTH));
	cr_assert(eq(str, after_time(lines()),
		     "info link: link up peer=12D3Koo rtt_ms=3 skew=-5 id=00ab "
		     "error=\"authentication failed\"\n"));
}

Test(log, a_peer_is_its_id_as_text_and_none_is_empty)
{
	struct vd_peer_id peer;

	cr_assert(zero(int, vd_peer_id_of_text(
				"12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq", &peer)));
	vd_log(VD_LOG_INFO, VD_SUB_LINK, "link up", VD_PEER("peer", &peer), VD_PEER("by", NULL));
	cr_assert(eq(str, after_time(lines()),
		     "info link: link up "
		     "peer=12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq by=\"\"\n"));
}

Test(log, a_message_needs_no_fields)
{
	vd_log(VD_LOG_WARN, VD_SUB_DAEMON, "stopping");
	cr_assert(eq(str, after_time(lines()), "warn daemon: stopping\n"));
}

Test(log, a_json_line_is_an_object_with_the_same_content)
{
	const uint8_t bytes[] = { 0xde, 0xad };

	vd_log_set_format(VD_LOG_JSON);
	vd_log(VD_LOG_ERROR, VD_SUB_NET, "say \"no\"", VD_STR("why", "a=b c"),
	       VD_U64("most", UINT64_MAX), VD_I64("least", INT64_MIN),
	       VD_HEX("id", vd_bytes(bytes, 2)), VD_STR("none", NULL));
	char *text = lines();
	json_t *line = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);

	cr_assert(line != NULL, "not JSON: %s", text);
	cr_assert(eq(str, (char *)json_string_value(json_object_get(line, "level")), "error"));
	cr_assert(eq(str, (char *)json_string_value(json_object_get(line, "subsystem")), "net"));
	cr_assert(
	    eq(str, (char *)json_string_value(json_object_get(line, "message")), "say \"no\""));
	cr_assert(eq(str, (char *)json_string_value(json_object_get(line, "why")), "a=b c"));
	cr_assert(eq(str, (char *)json_string_value(json_object_get(line, "id")), "dead"));
	cr_assert(eq(str, (char *)json_string_value(json_object_get(line, "none")), ""));
	cr_assert(eq(sz, json_object_size(line), 9));
	cr_assert(strstr(text, "\"most\":18446744073709551615,") != NULL);
	cr_assert(strstr(text, "\"least\":-9223372036854775808,") != NULL);
	json_decref(line);
}

Test(log, text_escapes_what_would_forge_a_line_or_drive_a_terminal)
{
	vd_log(VD_LOG_INFO, VD_SUB_API, "m",
	       VD_STR("v", "a\n\r\t\x1b[31m\"\\\x7f\xc2\x9b\xff\xe2\x82\xac"), VD_STR("e", ""),
	       VD_STR("s", "k=v"));
	cr_assert(eq(str, after_time(lines()),
		     "info api: m v=\"a\\n\\r\\t\\x1b[31m\\\"\\\\\\x7f\\x9b\\xff\xe2\x82\xac\" "
		     "e=\"\" s=\"k=v\"\n"));
}

Test(log, json_escapes_controls_and_replaces_what_is_no_utf_8)
{
	vd_log_set_format(VD_LOG_JSON);
	vd_log(VD_LOG_INFO, VD_SUB_API, "m",
	       VD_STR("v", "\x01\n\"\\\x7f\xc2\x9b\xff\xc3\xa9\xe2\x82"));
	char *text = lines();
	json_t *line = json_loads(text, 0, NULL);

	cr_assert(strstr(text, "\"v\":\"\\u0001\\n\\\"\\\\\\u007f\\u009b\\ufffd\xc3\xa9\\ufffd"
			       "\\ufffd\"}\n") != NULL,
		  "%s", text);
	cr_assert(line != NULL);
	json_decref(line);
}

/* Every byte value at once, in every position of a UTF-8 sequence. */
Test(log, any_bytes_give_one_line_of_valid_json)
{
	vd_log_set_format(VD_LOG_JSON);
	for (unsigned a = 1; a < 256; a++) {
		struct vd_log_site site = { 0 };
		char value[4] = { (char)a, (char)(a * 37 | 1), (char)(a * 101 | 1), 0 };
		struct vd_log_field field = VD_STR("v", value);

		vd_log_write(&site, VD_LOG_INFO, VD_SUB_API, "m", &field, 1);
		char *text = lines();
		json_t *line = json_loads(text, 0, NULL);
		cr_assert(line != NULL, "%u: %s", a, text);
		cr_assert(eq(sz, count_lines(text), 1));
		json_decref(line);
	}
}

static void write_long(struct vd_log_site *site, size_t len, char fill)
{
	static char value[3 * VD_LOG_LINE];

	memset(value, fill, len);
	value[len] = 0;
	const struct vd_log_field fields[] = { VD_U64("first", 1), VD_STR("long", value),
					       VD_U64("last", UINT64_MAX) };
	vd_log_write(site, VD_LOG_INFO, VD_SUB_API, "m", fields, 3);
}

Test(log, a_line_is_never_longer_than_its_limit_and_says_that_it_was_cut)
{
	for (int json = 0; json < 2; json++) {
		vd_log_set_format(json ? VD_LOG_JSON : VD_LOG_TEXT);
		for (size_t len = 1; len < VD_LOG_LINE + 200; len++) {
			struct vd_log_site site = { 0 };

			write_long(&site, len, len % 2 ? '"' : 'a');
			char *text = lines();
			bool cut = strstr(text, json ? "\"cut\":true}" : " cut=true\n") != NULL;
			bool whole = strstr(text, json ? "\"last\":18446744073709551615}\n"
						       : " last=18446744073709551615\n") != NULL;
			json_t *line =
			    json ? json_loads(text, JSON_DECODE_INT_AS_REAL, NULL) : NULL;

			cr_assert(le(sz, strlen(text), VD_LOG_LINE));
			cr_assert(eq(sz, count_lines(text), 1));
			cr_assert(cut != whole, "%zu: %s", len, text);
			cr_assert(not(json && !line), "%zu: %s", len, text);
			json_decref(line);
		}
	}
}

/* The quote that closes a value lies in the tail, so a line may be fuller than full; what then
 * comes does not fit any more, whatever its length. */
Test(log, what_comes_after_a_line_that_a_quoted_value_filled_is_cut)
{
	static char value[VD_LOG_LINE], after[VD_LOG_LINE];

	memset(after, 'b', sizeof after - 1);
	for (int json = 0; json < 2; json++) {
		vd_log_set_format(json ? VD_LOG_JSON : VD_LOG_TEXT);
		for (size_t len = VD_LOG_LINE - 200; len < VD_LOG_LINE; len++) {
			struct vd_log_site site = { 0 };
			const struct vd_log_field fields[] = { VD_STR("v", value),
							       VD_STR("after", after) };

			memset(value, ' ', len);
			value[len] = 0;
			vd_log_write(&site, VD_LOG_INFO, VD_SUB_API, "m", fields, 2);
			char *text = lines();

			cr_assert(le(sz, strlen(text), VD_LOG_LINE), "%zu", len);
			cr_assert(strstr(text, json ? "\"cut\":true}\n" : " cut=true\n") != NULL,
				  "%zu: %s", len, text);
		}
	}
}

Test(log, lines_above_the_level_are_not_written)
{
	vd_log_set_level(VD_SUB_LINK, VD_LOG_WARN);
	vd_log(VD_LOG_INFO, VD_SUB_LINK, "no");
	vd_log(VD_LOG_DEBUG, VD_SUB_API, "no");
	cr_assert(eq(str, lines(), ""));
	vd_log(VD_LOG_WARN, VD_SUB_LINK, "yes");
	vd_log(VD_LOG_INFO, VD_SUB_API, "yes");
	cr_assert(eq(sz, count_lines(lines()), 2));
}

Test(log, a_specification_sets_a_level_for_all_and_exceptions)
{
	cr_assert(eq(int, vd_log_set_levels("warn,link=debug,api=error"), VD_OK));
	cr_assert(vd_log_enabled(VD_SUB_LINK, VD_LOG_DEBUG));
	cr_assert(not(vd_log_enabled(VD_SUB_API, VD_LOG_WARN)));
	cr_assert(vd_log_enabled(VD_SUB_API, VD_LOG_ERROR));
	cr_assert(vd_log_enabled(VD_SUB_ROUTE, VD_LOG_WARN));
	cr_assert(not(vd_log_enabled(VD_SUB_ROUTE, VD_LOG_INFO)));
	cr_assert(eq(int, vd_log_set_levels("route=info"), VD_OK), "others keep theirs");
	cr_assert(vd_log_enabled(VD_SUB_ROUTE, VD_LOG_INFO));
	cr_assert(vd_log_enabled(VD_SUB_LINK, VD_LOG_DEBUG));
}

Test(log, a_specification_with_any_mistake_changes_nothing)
{
	static const char *const wrong[] = { "",
					     "loud",
					     "debug,",
					     ",debug",
					     "debug,link",
					     "debug,link=",
					     "debug,=warn",
					     "debug,x=warn",
					     "debug,link=loud",
					     "debug,link=warn,",
					     "debug,warn",
					     "DEBUG",
					     "debug, link=warn" };

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		cr_assert(eq(int, vd_log_set_levels(wrong[i]), VD_EUSER), "%s", wrong[i]);
		for (unsigned sub = 0; sub < VD_SUB_COUNT; sub++) {
			cr_assert(vd_log_enabled((enum vd_log_subsystem)sub, VD_LOG_INFO));
			cr_assert(not(vd_log_enabled((enum vd_log_subsystem)sub, VD_LOG_DEBUG)));
		}
	}
}

Test(log, levels_have_names)
{
	enum vd_log_level level = VD_LOG_DEBUG;

	cr_assert(eq(int, vd_log_level_of_name("error", &level), VD_OK));
	cr_assert(eq(int, level, VD_LOG_ERROR));
	cr_assert(eq(int, vd_log_level_of_name("err", &level), VD_EUSER));
	cr_assert(eq(int, level, VD_LOG_ERROR), "untouched on failure");
	cr_assert(eq(str, (char *)vd_log_subsystem_name(VD_SUB_DATAPLANE), "dataplane"));
	cr_assert(eq(str, (char *)vd_log_subsystem_name(VD_SUB_COUNT), ""));
}

Test(log, a_site_passes_its_burst_then_its_rate_in_virtual_time)
{
	struct vd_log_site site = { 0 };
	vd_ns now = VD_SECONDS(100);
	const vd_ns each = VD_NS_PER_S / VD_LOG_PER_S;

	for (int i = 0; i < VD_LOG_BURST; i++)
		cr_assert(vd_log_site_pass(&site, now));
	cr_assert(not(vd_log_site_pass(&site, now)));
	cr_assert(not(vd_log_site_pass(&site, now + each - 1)));
	cr_assert(vd_log_site_pass(&site, now + each));
	cr_assert(not(vd_log_site_pass(&site, now + each)));
	cr_assert(eq(u64, atomic_load(&site.suppressed), 3));
	now += VD_SECONDS(1000);
	for (int i = 0; i < VD_LOG_BURST; i++)
		cr_assert(vd_log_site_pass(&site, now), "the burst is back, and no more than it");
	cr_assert(not(vd_log_site_pass(&site, now)));
}

Test(log, the_next_line_tells_how_many_were_held_back)
{
	struct vd_log_site site = { 0 };

	atomic_store(&site.suppressed, 7);
	vd_log_write(&site, VD_LOG_INFO, VD_SUB_LINK, "m", NULL, 0);
	cr_assert(eq(str, after_time(lines()), "info link: m suppressed=7\n"));
	vd_log_write(&site, VD_LOG_INFO, VD_SUB_LINK, "m", NULL, 0);
	cr_assert(eq(str, after_time(lines()), "info link: m\n"));
}

Test(log, errors_pass_whatever_the_rate)
{
	struct vd_log_site site = { .full_at_ns = UINT64_MAX / 2 };

	vd_log_write(&site, VD_LOG_WARN, VD_SUB_LINK, "held back", NULL, 0);
	cr_assert(eq(str, lines(), ""));
	vd_log_write(&site, VD_LOG_ERROR, VD_SUB_LINK, "passes", NULL, 0);
	cr_assert(eq(str, after_time(lines()), "error link: passes suppressed=1\n"));
}

Test(log, errno_survives_logging)
{
	vd_log_to(-1); /* the write fails */
	errno = ENOENT;
	vd_log(VD_LOG_ERROR, VD_SUB_LINK, "m");
	cr_assert(eq(int, errno, ENOENT));
}
