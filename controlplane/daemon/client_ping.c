/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* `viaduct ping`. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "controlplane/daemon/client_verbs.h"
#include "controlplane/daemon/table.h"

struct pings {
	unsigned sent, received;
	double min, max, sum;
	json_t *each; /* milliseconds, null for a lost one */
};

static int ping_once(const struct client_options *options, struct pings *p)
{
	const char *target = options->words[1];
	char why[CLIENT_WHY], cell[TABLE_CELL];
	json_t *answer = NULL;
	int status = client_request(options->api, "ping", target, &answer, why);
	double ms = json_number_value(json_object_get(answer, "rtt_ms"));

	if (status && status != CLIENT_REFUSED)
		return client_complain(status, why);
	p->sent++;
	json_array_append_new(p->each, status ? json_null() : json_real(ms));
	if (status) {
		if (!options->json)
			printf("%u: %s\n", p->sent, why);
		else if (p->sent == 1)
			(void)client_complain(status, why);
		return CLIENT_OK;
	}
	p->min = p->received++ ? fmin(p->min, ms) : ms;
	p->max = fmax(p->max, ms);
	p->sum += ms;
	if (!options->json)
		printf("%u: answer from %s in %.3f ms\n", p->sent,
		       table_cell(json_object_get(answer, "peer"), TABLE_TEXT, cell), ms);
	fflush(stdout);
	json_decref(answer);
	return CLIENT_OK;
}

static void ping_report(const struct client_options *options, const struct pings *p)
{
	double mean = p->received ? p->sum / p->received : 0;

	if (options->json) {
		json_t *report =
		    json_pack("{s:s, s:i, s:i, s:O}", "target", options->words[1], "sent",
			      (int)p->sent, "received", (int)p->received, "rtt_ms", p->each);

		if (p->received)
			json_object_update_new(report,
					       json_pack("{s:f, s:f, s:f}", "min_ms", p->min,
							 "mean_ms", mean, "max_ms", p->max));
		(void)client_print(report);
		return;
	}
	printf("%u sent, %u received", p->sent, p->received);
	if (p->received)
		printf("; min %.3f ms, mean %.3f ms, max %.3f ms", p->min, mean, p->max);
	putchar('\n');
}

int client_ping(const struct client_options *options)
{
	struct pings p = { .each = json_array() };
	const struct timespec second = { .tv_sec = 1 };
	int status = CLIENT_OK;

	if (options->path) {
		json_decref(p.each);
		return client_trace(options);
	}
	for (unsigned i = 0; !status && i < (options->count ? options->count : 4); i++) {
		if (i)
			nanosleep(&second, NULL);
		status = ping_once(options, &p);
	}
	if (!status) {
		ping_report(options, &p);
		status = p.received ? CLIENT_OK : CLIENT_REFUSED;
	}
	json_decref(p.each);
	return status;
}
