/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "base/formats/server_list.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* An address, with a port or without; IPv6 with a port in brackets. */
static bool is_server(const char *text, size_t len)
{
	char copy[64], *host = copy, *port = NULL;
	uint8_t ip[16];
	char *end;

	if (!len || len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = 0;
	if (copy[0] == '[') {
		host++;
		end = strchr(copy, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		port = end[1] ? end + 2 : NULL;
		*end = 0;
		if (!strchr(host, ':'))
			return false;
	} else if (strchr(copy, ':') && strchr(copy, ':') == strrchr(copy, ':')) {
		port = strchr(copy, ':') + 1;
		port[-1] = 0;
	}
	if (port && (strlen(port) > 5 || !*port || strspn(port, "0123456789") != strlen(port) ||
		     atol(port) < 1 || atol(port) > 65535))
		return false;
	return inet_pton(strchr(host, ':') ? AF_INET6 : AF_INET, host, ip) == 1;
}

bool vd_is_server_list(const char *servers)
{
	while (true) {
		size_t len = strcspn(servers, ",");

		if (!is_server(servers, len))
			return false;
		if (!servers[len])
			return true;
		servers += len + 1;
	}
}
