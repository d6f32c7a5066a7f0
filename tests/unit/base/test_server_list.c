/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/server_list.h"

#include <criterion/criterion.h>
#include <stddef.h>

Test(server_list, addresses_with_and_without_ports_are_one)
{
	static const char *const good[] = { "127.0.0.1",     "127.0.0.1:53",
					    "::1",           "[::1]:5353",
					    "[2001:db8::1]", "192.0.2.1,[::1]:53,192.0.2.2:1" };
	static const char *const bad[] = {
		"",         ",",    "1.2.3.4,", "dns.test",    "1.2.3.4:0",  "1.2.3.4:65536",
		"1.2.3.4:", "[::1", "[::1]x",   "[1.2.3.4]:1", "1.2.3.4:1x", "1.2.3"
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		cr_expect(vd_is_server_list(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_expect(!(vd_is_server_list(bad[i])), "%s", bad[i]);
}
