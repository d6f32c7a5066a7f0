/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/proto/perf.h"

static const uint8_t zeros[65536];

enum { HEAD = 8 };

void perf_client_init(struct perf *perf, uint64_t upload_bytes, uint64_t download_bytes)
{
	*perf = (struct perf){ .client = true, .to_send = upload_bytes, .wanted = download_bytes };
	vd_be64_store(perf->head, download_bytes);
}

void perf_server_init(struct perf *perf)
{
	*perf = (struct perf){ 0 };
}

/* The head's part of what came to a server. */
static size_t take_head(struct perf *perf, struct vd_bytes in)
{
	size_t lacks = perf->client ? 0 : HEAD - (size_t)perf->head_len;
	size_t len = in.len < lacks ? in.len : lacks;

	if (len)
		memcpy(perf->head + perf->head_len, in.at, len);
	if (!perf->client)
		perf->head_len = (uint8_t)(perf->head_len + len);
	return len;
}

enum vd_err perf_receive(struct perf *perf, struct vd_bytes in)
{
	perf->received += in.len - take_head(perf, in);
	return perf->client && perf->received > perf->wanted ? VD_EPEER_RANGE : VD_OK;
}

enum vd_err perf_ended(struct perf *perf)
{
	if (perf->input_ended)
		return VD_OK;
	if (perf->client ? perf->received < perf->wanted : perf->head_len < HEAD)
		return VD_EPEER_TRUNC;
	perf->input_ended = true;
	if (!perf->client)
		perf->to_send = vd_be64_load(perf->head);
	return VD_OK;
}

struct vd_bytes perf_next_output(const struct perf *perf)
{
	if (perf->client && perf->head_len < HEAD)
		return vd_bytes(perf->head + perf->head_len, HEAD - (size_t)perf->head_len);
	return vd_bytes(zeros, perf->to_send < sizeof zeros ? (size_t)perf->to_send : sizeof zeros);
}

void perf_sent(struct perf *perf, size_t len)
{
	if (perf->client && perf->head_len < HEAD)
		perf->head_len = (uint8_t)(perf->head_len + len);
	else
		perf->to_send -= len;
}

bool perf_may_finish(const struct perf *perf)
{
	bool said = perf->client ? perf->head_len == HEAD : perf->input_ended;

	return said && perf->to_send == 0;
}

uint64_t perf_received(const struct perf *perf)
{
	return perf->received;
}
