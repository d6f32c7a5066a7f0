/* Targets: config_parse, config_environment, config_check */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same bytes as a file, then as the value of a variable. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char name[] = "VIADUCT_LINK_TIERS=";
	struct config *config = (struct config *)malloc(sizeof *config);
	char *variable = (char *)calloc(1, sizeof name + size);
	struct config_error error;

	if (!config || !variable)
		abort();
	config_default(config);
	if (!config_parse(vd_bytes(data, size), "fuzz", config, &error) &&
	    !config_check(config, &error) && config_needs_restart(config, config))
		abort(); /* a configuration differs from itself */
	memcpy(variable, name, sizeof name - 1);
	if (size)
		memcpy(variable + sizeof name - 1, data, size);
	if (config_environment((char *const[]){ variable, NULL }, config, &error) && !error.text[0])
		abort(); /* an error without words */
	config_fini(config);
	free(config);
	free(variable);
	return 0;
}
