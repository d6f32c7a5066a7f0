/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "controlplane/daemon/keys.h"

/* One document being read into a configuration. */
struct reading {
	yaml_document_t document;
	const char *name; /* of the file, in errors */
	bool one_line;    /* a variable's value: lines say nothing */
	struct config_error *error;
};

enum {
	VALUE_MAX = 8192, /* a scalar, or a list in one scalar */
	DEPTH_MAX = 16,   /* of lists and mappings in each other */
};

static enum vd_err take_map(struct reading *r, const yaml_node_t *node, const char *path,
			    void *base);

static enum vd_err fail_at(struct reading *r, enum vd_err err, const yaml_node_t *node,
			   const char *key, const char *why)
{
	unsigned line = r->one_line ? 0 : (unsigned)node->start_mark.line + 1;

	return config_fail(r->error, err, r->name, line, key, why);
}

static const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* Plain and empty, `~` or `null`. */
static bool is_null(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*scalar(node) || strcmp(scalar(node), "~") == 0 ||
		strcmp(scalar(node), "null") == 0);
}

/* A scalar as a C string: no NUL inside, not longer than any value. NULL: why tells. */
static const char *text_of(const yaml_node_t *node, const char **why_out)
{
	if (node->type != YAML_SCALAR_NODE) {
		*why_out = node->type == YAML_SEQUENCE_NODE ? "is a list; write a single value"
							    : "is a mapping; write a single value";
		return NULL;
	}
	if (strlen(scalar(node)) != node->data.scalar.length) {
		*why_out = "holds a NUL character; take it out";
		return NULL;
	}
	if (node->data.scalar.length >= VALUE_MAX) {
		*why_out = "is longer than any value; shorten it";
		return NULL;
	}
	return scalar(node);
}

static enum vd_err take_scalar(struct reading *r, const yaml_node_t *node,
			       const struct config_key *key, const char *path, void *base)
{
	char why[KEY_WHY];
	const char *problem = NULL, *text = text_of(node, &problem);
	enum vd_err err;

	if (!text)
		return fail_at(r, VD_EUSER, node, path, problem);
	if (is_null(node))
		return fail_at(r, VD_EUSER, node, path,
			       "has no value; give it one, or take the key out");
	err = config_value_set(key, base, text, why);
	return err ? fail_at(r, err, node, path, why) : VD_OK;
}

/* "a, b" in one scalar. */
static enum vd_err take_commas(struct reading *r, const yaml_node_t *node,
			       const struct config_key *key, const char *path, void *base,
			       const char *text)
{
	char copy[VALUE_MAX], *rest = copy, *item;
	char why[KEY_WHY];

	strcpy(copy, text);
	while ((item = strsep(&rest, ","))) {
		enum vd_err err;

		item += strspn(item, " \t");
		item[strcspn(item, " \t")] = 0;
		err = config_list_add(key, base, item, why);
		if (err)
			return fail_at(r, err, node, path, why);
	}
	return VD_OK;
}

static enum vd_err take_sequence(struct reading *r, const yaml_node_t *node,
				 const struct config_key *key, const char *path, void *base)
{
	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		const yaml_node_t *item = yaml_document_get_node(&r->document, *i);
		const char *problem = NULL, *text = text_of(item, &problem);
		char why[KEY_WHY];
		enum vd_err err;

		if (!text)
			return fail_at(r, VD_EUSER, item, path, problem);
		err = config_list_add(key, base, text, why);
		if (err)
			return fail_at(r, err, item, path, why);
	}
	return VD_OK;
}

static enum vd_err take_list(struct reading *r, const yaml_node_t *node,
			     const struct config_key *key, const char *path, void *base)
{
	enum vd_err err;

	config_list_clear(key, base);
	if (node->type == YAML_MAPPING_NODE) {
		err = fail_at(r, VD_EUSER, node, path, "is a mapping; write a list");
	} else if (node->type == YAML_SEQUENCE_NODE) {
		err = take_sequence(r, node, key, path, base);
	} else {
		const char *problem = NULL, *text = text_of(node, &problem);

		if (is_null(node))
			problem = "has no value; write [] for an empty list", text = NULL;
		err = text ? take_commas(r, node, key, path, base, text)
			   : fail_at(r, VD_EUSER, node, path, problem);
	}
	config_list_end(key, base);
	return err;
}

static void free_elements(const struct config_key *key, const char *inside, void *base)
{
	uint32_t *count = (uint32_t *)(void *)((char *)base + key->extra);

	for (uint32_t n = 0; n < *count; n++)
		config_free_below(inside, (char *)base + key->offset + n * key->room);
	memset((char *)base + key->offset, 0, key->room * key->max);
	*count = 0;
}

static enum vd_err take_maps(struct reading *r, const yaml_node_t *node,
			     const struct config_key *key, void *base)
{
	uint32_t *count = (uint32_t *)(void *)((char *)base + key->extra);
	char path[CONFIG_KEY];

	snprintf(path, sizeof path, "%s[]", key->path);
	free_elements(key, path, base);
	if (node->type != YAML_SEQUENCE_NODE)
		return fail_at(r, VD_EUSER, node, key->path,
			       "is not a list; write mappings, each after a dash, or []");
	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		const yaml_node_t *item = yaml_document_get_node(&r->document, *i);
		char *element = (char *)base + key->offset + *count * key->room;
		char why[KEY_WHY];
		enum vd_err err;

		if (*count == key->max) {
			snprintf(why, sizeof why, "has more than %u entries; take some out",
				 (unsigned)key->max);
			return fail_at(r, VD_EUSER, item, key->path, why);
		}
		snprintf(path, sizeof path, "%s[%u]", key->path, *count);
		++*count;
		err = take_map(r, item, path, element);
		if (err)
			return err;
	}
	return VD_OK;
}

static enum vd_err take_section(struct reading *r, const yaml_node_t *node,
				const struct config_key *key, void *base)
{
	if (is_null(node)) {
		if (key->extra == KEY_NONE)
			return VD_OK; /* all of it commented out */
		return fail_at(r, VD_EUSER, node, key->path,
			       "is empty; write {} for the defaults, or take the section out");
	}
	return take_map(r, node, key->path, base);
}

static enum vd_err take(struct reading *r, const yaml_node_t *node, const struct config_key *key,
			const char *path, void *base)
{
	if (key->type == KEY_SECTION)
		return take_section(r, node, key, base);
	if (key->type == KEY_MAPS)
		return take_maps(r, node, key, base);
	if (config_type_is_list(key->type))
		return take_list(r, node, key, path, base);
	return take_scalar(r, node, key, path, base);
}

/* Copies what can be shown, cut to `cap`. */
static void join(char *out, size_t cap, const char *path, const char *name)
{
	int n = snprintf(out, cap, "%s%s%s", path, *path ? "." : "", name);

	if (n >= (int)cap)
		memcpy(out + cap - 4, "...", 4);
}

static enum vd_err fail_unknown(struct reading *r, const yaml_node_t *node, const char *path,
				const char *parent, const char *name)
{
	const char *near = config_key_nearest(parent, name);
	char shown[CONFIG_KEY], why[KEY_WHY];
	size_t n;

	join(shown, sizeof shown, path, name);
	if (near) {
		snprintf(why, sizeof why, "unknown key; did you mean `%s`?", near);
		return fail_at(r, VD_EUSER, node, shown, why);
	}
	n = (size_t)snprintf(why, sizeof why, "unknown key; known here:");
	for (size_t i = 0; i < config_key_count; i++)
		if (config_key_is_child(&config_keys[i], parent) && n < sizeof why)
			n += (size_t)snprintf(why + n, sizeof why - n, " %s",
					      config_key_name(&config_keys[i]));
	return fail_at(r, VD_EUSER, node, shown, why);
}

static enum vd_err take_pair(struct reading *r, const yaml_node_pair_t *pair, const char *path,
			     const char *parent, bool *seen, void *base)
{
	const yaml_node_t *name = yaml_document_get_node(&r->document, pair->key);
	const yaml_node_t *value = yaml_document_get_node(&r->document, pair->value);
	const char *problem = NULL, *text = text_of(name, &problem);
	char full[CONFIG_KEY];
	const struct config_key *key;

	if (!text || strpbrk(text, ".[]"))
		return fail_at(r, VD_EUSER, name, *path ? path : "file",
			       "holds a key that is not a plain name; write name: value");
	join(full, sizeof full, path, text);
	key = config_key_find(full);
	if (!key || !config_key_is_child(key, parent))
		return fail_unknown(r, name, path, parent, text);
	if (seen[key - config_keys])
		return fail_at(r, VD_EUSER, name, full, "is given twice; take one out");
	seen[key - config_keys] = true;
	return take(r, value, key, full, base);
}

static enum vd_err find_missing(struct reading *r, const yaml_node_t *node, const char *path,
				const char *parent, const bool *seen)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		char full[CONFIG_KEY];

		if (seen[i] || key->fallback || key->type == KEY_SECTION ||
		    !config_key_is_child(key, parent))
			continue;
		join(full, sizeof full, path, config_key_name(key));
		return fail_at(r, VD_EUSER, node, full, "is missing; add it to this entry");
	}
	return VD_OK;
}

/* An element's list indices as "[]", to find rows by. */
static void parent_of(const char *path, char out[CONFIG_KEY])
{
	const char *bracket = strchr(path, '[');

	if (bracket)
		snprintf(out, CONFIG_KEY, "%.*s[]", (int)(bracket - path), path);
	else
		snprintf(out, CONFIG_KEY, "%s", path);
}

static enum vd_err take_map(struct reading *r, const yaml_node_t *node, const char *path,
			    void *base)
{
	bool seen[KEY_ROWS_MAX] = { false };
	char parent[CONFIG_KEY];
	const struct config_key *section = config_key_find(path);

	parent_of(path, parent);
	if (node->type != YAML_MAPPING_NODE)
		return fail_at(r, VD_EUSER, node, *path ? path : "file",
			       "is not a mapping; write keys below it, as name: value");
	if (section && section->type == KEY_SECTION && section->extra != KEY_NONE)
		*((bool *)base + section->extra) = true;
	if (strchr(parent, '['))
		config_defaults_below(parent, base);
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		enum vd_err err = take_pair(r, pair, path, parent, seen, base);

		if (err)
			return err;
	}
	return find_missing(r, node, path, parent, seen);
}

/* ---- documents ---- */

static enum vd_err fail_yaml(struct reading *r, const yaml_parser_t *parser)
{
	char why[KEY_WHY];
	unsigned line = (unsigned)parser->problem_mark.line + 1;

	if (parser->error == YAML_MEMORY_ERROR)
		return config_fail(r->error, VD_ENOMEM, r->name, 0, "file", "no memory to read it");
	if (parser->error == YAML_READER_ERROR) { /* has an offset, no line */
		snprintf(why, sizeof why, "is not UTF-8 text at byte %zu; save it as UTF-8",
			 parser->problem_offset);
		return config_fail(r->error, VD_EUSER, r->name, 0, "file", why);
	}
	snprintf(why, sizeof why, "%s%s%s; check indentation, quotes and brackets there",
		 parser->problem ? parser->problem : "is not YAML", parser->context ? " " : "",
		 parser->context ? parser->context : "");
	return config_fail(r->error, VD_EUSER, r->name, r->one_line ? 0 : line, "YAML", why);
}

/* The line where the text is nested deeper than any configuration, or 0. libyaml takes time
 * by the square of the depth, so this stops early. */
static unsigned too_deep_at(struct vd_bytes text)
{
	yaml_parser_t parser;
	yaml_event_t event;
	unsigned depth = 0, line = 0;
	bool more = yaml_parser_initialize(&parser);

	if (!more)
		return 0;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, text.at, text.len);
	while (more && yaml_parser_parse(&parser, &event)) {
		if (event.type == YAML_SEQUENCE_START_EVENT ||
		    event.type == YAML_MAPPING_START_EVENT)
			depth++;
		if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
			depth--;
		if (depth > DEPTH_MAX)
			line = (unsigned)event.start_mark.line + 1;
		more = event.type != YAML_STREAM_END_EVENT && !line;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return line;
}

/* Loads the next document; an empty one has no root. */
static enum vd_err load(struct reading *r, yaml_parser_t *parser)
{
	return yaml_parser_load(parser, &r->document) ? VD_OK : fail_yaml(r, parser);
}

/* Reads `text`: as a whole file (key NULL), or as the value of one key. */
static enum vd_err read_text(struct reading *r, struct vd_bytes text, const struct config_key *key,
			     struct config *config)
{
	yaml_parser_t parser;
	yaml_node_t *root;
	unsigned deep = too_deep_at(text);
	enum vd_err err;

	if (deep)
		return config_fail(r->error, VD_EUSER, r->name, r->one_line ? 0 : deep, "YAML",
				   "is nested deeper than any configuration; close what is open");
	if (!yaml_parser_initialize(&parser))
		return config_fail(r->error, VD_ENOMEM, r->name, 0, "file", "no memory to read it");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, text.at, text.len);
	err = load(r, &parser);
	if (err)
		goto out;
	root = yaml_document_get_root_node(&r->document);
	if (root && key)
		err = take(r, root, key, key->path, config);
	else if (root && !is_null(root))
		err = take_map(r, root, "", config);
	yaml_document_delete(&r->document);
	if (err || !root)
		goto out;
	err = load(r, &parser);
	if (err)
		goto out;
	root = yaml_document_get_root_node(&r->document);
	if (root)
		err = fail_at(r, VD_EUSER, root, "file",
			      "holds a second document; take out the `---` between them");
	yaml_document_delete(&r->document);
out:
	yaml_parser_delete(&parser);
	return err;
}

enum vd_err config_parse(struct vd_bytes text, const char *name, struct config *config,
			 struct config_error *error)
{
	struct reading r = { .name = name, .error = error };

	if (text.len > CONFIG_BYTES_MAX)
		return config_fail(error, VD_EUSER, name, 0, "file",
				   "is larger than 8 MiB; it is hardly a configuration");
	return read_text(&r, text.at ? text : vd_bytes_of_text(""), NULL, config);
}

enum vd_err config_yaml_value(const char *text, const struct config_key *key, const char *name,
			      struct config *config, struct config_error *error)
{
	struct reading r = { .name = name, .error = error, .one_line = true };
	char why[KEY_WHY];
	enum vd_err err;

	if (!*text && (key->type == KEY_MAPS || config_type_is_list(key->type)))
		text = "[]"; /* an empty variable: an empty list or text */
	if (*text)
		return read_text(&r, vd_bytes_of_text(text), key, config);
	err = config_value_set(key, config, "", why);
	return err ? config_fail(error, err, name, 0, key->path, why) : VD_OK;
}
