/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/daemon/config.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "controlplane/daemon/keys.h"

static char *reference(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	config_reference(out);
	fclose(out);
	return text;
}

Test(config_reference, the_committed_page_is_the_generated_one)
{
	static char committed[64 * 1024];
	FILE *in = fopen(VIADUCT_SOURCE "/docs/configuration.md", "r");
	char *text = reference();

	cr_assert(in != NULL, "docs/configuration.md is missing");
	committed[fread(committed, 1, sizeof committed - 1, in)] = 0;
	fclose(in);
	cr_assert(zero(int, strcmp(text, committed)),
		  "write it again: viaductd --config-reference > docs/configuration.md");
	free(text);
}

Test(config_reference, every_key_has_help_and_a_parent)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		char parent[CONFIG_KEY];

		cr_assert(key->help && *key->help, "%s", key->path);
		cr_assert(strchr(key->help, '|') == NULL, "%s: breaks the table", key->path);
		snprintf(parent, sizeof parent, "%s", key->path);
		if (!strchr(parent, '.'))
			continue;
		*strrchr(parent, '.') = 0;
		parent[strcspn(parent, "[")] = 0;
		cr_assert(config_key_find(parent) != NULL, "%s", key->path);
	}
}

Test(config_reference, every_key_is_found_by_its_path)
{
	for (size_t i = 0; i < config_key_count; i++)
		cr_assert(config_key_find(config_keys[i].path) == &config_keys[i], "%s",
			  config_keys[i].path);
	cr_assert(config_key_find("link.tiers[12].pps") == config_key_find("link.tiers[].pps"));
}

Test(config_reference, variables_are_unique)
{
	char a[CONFIG_KEY], b[CONFIG_KEY];

	for (size_t i = 0; i < config_key_count; i++)
		for (size_t j = 0; j < i; j++)
			if (config_key_variable(&config_keys[i], a) &&
			    config_key_variable(&config_keys[j], b))
				cr_assert(ne(str, a, b));
}
