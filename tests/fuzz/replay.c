/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * replay: a main for fuzz targets without libFuzzer.
 *
 *	fuzz_x CORPUS…        each a file, or a folder of files
 *
 * Runs the target on every file, then on what lies next to it: each prefix, and each
 * byte with one bit flipped, up to REPLAY_NEAR variants a file. Each input is a heap block
 * of exactly its length, so that AddressSanitizer sees one byte too many.
 * Fails when there is nothing to replay.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REPLAY_FILE_MAX = 1 << 20, REPLAY_NEAR = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long files, inputs;

static void run(const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		abort();
	if (len)
		memcpy(exact, data, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	inputs++;
}

static void run_near(uint8_t *data, size_t len)
{
	size_t step = 1 + 2 * len / REPLAY_NEAR;

	for (size_t at = 0; at < len; at += step) {
		uint8_t bit = (uint8_t)(1u << (at % 8));

		run(data, at);
		data[at] ^= bit;
		run(data, len);
		data[at] ^= bit;
	}
}

static int replay_file(const char *path)
{
	static uint8_t data[REPLAY_FILE_MAX];
	FILE *in = fopen(path, "rb");

	if (!in) {
		perror(path);
		return 1;
	}
	size_t len = fread(data, 1, sizeof data, in);
	int failed = ferror(in);

	(void)fclose(in);
	if (failed) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	run(data, len);
	run_near(data, len);
	files++;
	return 0;
}

static int replay_folder(const char *path)
{
	DIR *folder = opendir(path);
	int failed = 0;

	if (!folder) {
		perror(path);
		return 1;
	}
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name)
			failed = 1;
		else
			failed |= replay_file(name);
	}
	closedir(folder);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			failed |= replay_folder(argv[i]);
		else
			failed |= replay_file(argv[i]);
	}
	printf("replay: %lu files, %lu inputs\n", files, inputs);
	return failed || files == 0;
}
