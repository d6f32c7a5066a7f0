/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/devargs.h"

#include <string.h>

bool dp_devargs_find(const char *devargs, const char *key, char *out, size_t cap)
{
	size_t key_len = strlen(key);

	for (const char *at = strchr(devargs, ','); at; at = strchr(at, ',')) {
		at++;
		if (strncmp(at, key, key_len) != 0 || at[key_len] != '=')
			continue;
		at += key_len + 1;
		size_t len = strcspn(at, ",");
		if (len >= cap)
			return false;
		memcpy(out, at, len);
		out[len] = '\0';
		return true;
	}
	return false;
}
