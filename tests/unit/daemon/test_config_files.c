/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "controlplane/daemon/config.h"

#define HOST "host: { listen: [ /ip4/127.0.0.1/tcp/0 ]"

static struct config config;
static struct config_error error;

static void read_text(const char *text)
{
	config_default(&config);
	cr_assert(eq(int, config_parse(vd_bytes_of_text(text), "v", &config, &error), VD_OK), "%s",
		  error.text);
}

static void end(void)
{
	config_fini(&config);
}

Test(config_files, connections_that_fit_pass_and_one_file_less_is_an_error, .fini = end)
{
	uint64_t files;

	read_text(HOST ", connections_max: 5000 }");
	files = config_files(&config);
	cr_assert(gt(u64, files, 5000));
	cr_assert(eq(int, config_check_files(&config, "v", files, &error), VD_OK));
	cr_assert(eq(int, config_check_files(&config, "v", files - 1, &error), VD_EUSER));
	cr_assert(eq(str, error.key, "host.connections_max"));
	cr_assert(strstr(error.text, "lower it to 4999, or raise the limit") != NULL, "%s",
		  error.text);
	cr_assert(strstr(error.text, "LimitNOFILE=") != NULL, "%s", error.text);
}

Test(config_files, what_the_cure_names_fits, .fini = end)
{
	read_text(HOST ", threads: 8 }");
	config.host.connections_max = 20000;
	cr_assert(eq(int, config_check_files(&config, "v", 4096, &error), VD_EUSER));
	cr_assert(eq(int,
		     sscanf(strstr(error.text, "lower it to "), "lower it to %u",
			    &config.host.connections_max),
		     1));
	cr_assert(eq(int, config_check_files(&config, "v", 4096, &error), VD_OK));
}

Test(config_files, a_limit_below_all_else_is_to_be_raised, .fini = end)
{
	read_text(HOST " }");
	cr_assert(eq(int, config_check_files(&config, "v", 100, &error), VD_EUSER));
	cr_assert(strstr(error.text, "lower it") == NULL, "%s", error.text);
	cr_assert(strstr(error.text, "raise the limit") != NULL, "%s", error.text);
}

Test(config_files, who_is_in_no_network_needs_none_for_connections, .fini = end)
{
	read_text("host: { connections_max: 1000000 }");
	cr_assert(lt(u64, config_files(&config), 1000));
	cr_assert(eq(int, config_check_files(&config, "v", 100, &error), VD_OK));
}

Test(config_files, private_networks_and_threads_count, .fini = end)
{
	uint64_t one, two;

	read_text(HOST ", threads: 4 }");
	one = config_files(&config);
	config_fini(&config);
	read_text(HOST ", threads: 4, networks: [ { name: a, key: /k } ] }");
	two = config_files(&config);
	cr_assert(ge(u64, two, one + 4 * 5)); /* a loop, and mailboxes */
}

/* The packaged unit allows what the defaults ask for, with networks and threads to the brim. */
Test(config_files, the_packaged_unit_allows_the_defaults, .fini = end)
{
	FILE *unit = fopen(VIADUCT_SOURCE "/packaging/viaductd.service", "re");
	unsigned limit = 0;
	char line[256];

	cr_assert(unit != NULL);
	while (fgets(line, sizeof line, unit))
		(void)sscanf(line, "LimitNOFILE=%u", &limit);
	fclose(unit);
	read_text(HOST ", threads: 64 }");
	config.host.network_count = CONFIG_NETWORKS_MAX;
	cr_assert(eq(int, config_check_files(&config, "v", limit, &error), VD_OK), "%s",
		  error.text);
	config.host.network_count = 0;
}
