/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * server_list: addresses of servers in one text, "192.0.2.1,192.0.2.2:5353,[2001:db8::1]:53": a
 * port where it is not the usual one; IPv6 with a port in brackets. No names.
 */
#include <stdbool.h>

/* Whether the text is such a list, of one address or more. Any thread. */
bool vd_is_server_list(const char *text);
