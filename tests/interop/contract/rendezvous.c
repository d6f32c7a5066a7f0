/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tests/interop/contract/rendezvous.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/time.h"

/* Blocking commands wait for so long at a time, so that the time-out is kept. */
#define TURN_S "1"

static bool late(vd_ns end)
{
	return vd_now() >= end;
}

/* A Redis that answers, waited for until `end`; NULL then. */
static redisContext *meet(const struct environment *environment, vd_ns end)
{
	static const struct timeval patience = { .tv_sec = 5 };
	static const struct timespec moment = { .tv_nsec = 100 * 1000 * 1000 };

	for (;;) {
		redisContext *redis = redisConnectWithTimeout(environment->redis_host,
							      environment->redis_port, patience);

		if (redis && !redis->err && redisSetTimeout(redis, patience) == REDIS_OK)
			return redis;
		if (late(end)) {
			fprintf(stderr, "viaduct-interop: redis at %s:%u: %s\n",
				environment->redis_host, environment->redis_port,
				redis ? redis->errstr : "no memory");
			redisFree(redis);
			return NULL;
		}
		redisFree(redis);
		nanosleep(&moment, NULL); /* between two looks */
	}
}

static vd_ns end_of(const struct environment *environment)
{
	return vd_now() + VD_SECONDS(environment->timeout_s);
}

/* NULL, or an answer that is no error; both errors are told, but one about the key's type. */
static redisReply *checked(redisContext *redis, redisReply *reply)
{
	if (!reply)
		fprintf(stderr, "viaduct-interop: redis: %s\n", redis->errstr);
	else if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", 9) != 0)
		fprintf(stderr, "viaduct-interop: redis: %s\n", reply->str);
	if (!reply || reply->type != REDIS_REPLY_ERROR)
		return reply;
	freeReplyObject(reply);
	return NULL;
}

static bool run(redisContext *redis, const char *verb, const char *key, const char *value)
{
	redisReply *reply = checked(redis, value ? redisCommand(redis, "%s %s %s", verb, key, value)
						 : redisCommand(redis, "%s %s", verb, key));
	bool done = reply != NULL;

	freeReplyObject(reply);
	return done;
}

/* The newer test shares one Redis among all: an address of an earlier run may be there. */
bool rendezvous_push(const struct environment *environment, const char *address)
{
	redisContext *redis = meet(environment, end_of(environment));
	bool done;

	if (!redis)
		return false;
	done = (environment->older || run(redis, "DEL", environment->key, NULL)) &&
	       run(redis, "RPUSH", environment->key, address);
	redisFree(redis);
	return done;
}

static bool take(const redisReply *text, char *out, size_t cap)
{
	if (!text || text->type != REDIS_REPLY_STRING || (size_t)text->len >= cap)
		return false;
	memcpy(out, text->str, (size_t)text->len + 1);
	return true;
}

/*
 * Every program of theirs pushes on a list; the document says that the value is set. A value
 * under the key is taken as well.
 */
static bool try_pop(redisContext *redis, const char *key, char *out, size_t cap)
{
	redisReply *reply = checked(redis, redisCommand(redis, "BLPOP %s " TURN_S, key));
	bool found;

	if (reply) {
		found = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
			take(reply->element[1], out, cap);
	} else {
		reply = checked(redis, redisCommand(redis, "GET %s", key));
		found = take(reply, out, cap);
	}
	freeReplyObject(reply);
	return found;
}

bool rendezvous_pop(const struct environment *environment, char *address_out, size_t cap)
{
	vd_ns end = end_of(environment);
	redisContext *redis = meet(environment, end);
	bool found = false;

	while (redis && !found && !redis->err && !late(end))
		found = try_pop(redis, environment->key, address_out, cap);
	if (redis && !found)
		fprintf(stderr, "viaduct-interop: no listener's address in redis\n");
	redisFree(redis);
	return found;
}
