/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * flood ADDRESS PORT PER_SECOND SECONDS: first messages of link handshakes, 1,024 bytes, from
 * random addresses of 198.18.0.0/15, well formed as far as a stranger can make them. Needs
 * NET_RAW; prints how many were sent.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, FRAME = 1024, HEADERS = 28, E_AT = HEADERS + 10, DRAWN = 32 };

struct packet {
	_Alignas(8) uint8_t bytes[HEADERS + FRAME];
};

static struct packet packets[BATCH];
static struct mmsghdr messages[BATCH];
static struct iovec parts[BATCH];
static struct sockaddr_in target;
static uint64_t state = 1;

static uint64_t draw(void)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What stays the same; the payload is an extension of nothing but padding (switch/SPEC.md, 3.2). */
static void begin(struct packet *packet)
{
	static const uint8_t payload[] = { 0x22, 0xc3, 7, 0x92, 0x41, 0xbf, 7, 0x7a, 0xbc, 7 };
	struct iphdr *ip = (struct iphdr *)packet->bytes;
	struct udphdr *udp = (struct udphdr *)(packet->bytes + sizeof *ip);

	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->tot_len = htons(sizeof packet->bytes);
	ip->frag_off = htons(IP_DF);
	ip->daddr = target.sin_addr.s_addr;
	udp->dest = target.sin_port;
	udp->len = htons(sizeof *udp + FRAME);
	packet->bytes[HEADERS] = 4;
	packet->bytes[HEADERS + 1] = 1;
	memcpy(packet->bytes + E_AT + DRAWN, payload, sizeof payload);
}

static uint32_t sum_of(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	return sum;
}

/* Padding is zeros and adds nothing to the checksum. */
static void change(struct packet *packet)
{
	enum { SUMMED = 8 + 10 + DRAWN + 10 };
	struct iphdr *ip = (struct iphdr *)packet->bytes;
	struct udphdr *udp = (struct udphdr *)(packet->bytes + sizeof *ip);
	uint64_t drawn = draw();
	uint32_t sum;

	ip->saddr = htonl(UINT32_C(0xc6120000) | (uint32_t)(drawn & 0x1ffff));
	udp->source = htons((uint16_t)(1024 + (drawn >> 17) % 60000));
	udp->check = 0;
	drawn |= 1;
	memcpy(packet->bytes + HEADERS + 2, &drawn, 4);
	for (unsigned i = 0; i < DRAWN; i += 8) {
		drawn = draw();
		memcpy(packet->bytes + E_AT + i, &drawn, 8);
	}
	sum = IPPROTO_UDP + 8u + FRAME + sum_of((const uint8_t *)&ip->saddr, 8) +
	      sum_of((const uint8_t *)udp, SUMMED);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	udp->check = htons((uint16_t)(sum == 0xffff ? sum : ~sum & 0xffff));
}

static int send_batch(int socket)
{
	for (unsigned i = 0; i < BATCH; i++)
		change(&packets[i]);
	return sendmmsg(socket, messages, BATCH, 0);
}

static void wait_until(double at)
{
	double left = at - seconds_now();
	struct timespec span = { .tv_nsec = (long)(left * 1e9) };

	if (left > 0 && left < 1)
		nanosleep(&span, NULL);
}

int main(int argc, char **argv)
{
	uint64_t sent = 0;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &target.sin_addr) != 1) {
		fprintf(stderr, "usage: flood ADDRESS PORT PER_SECOND SECONDS\n");
		return 2;
	}
	target.sin_family = AF_INET;
	target.sin_port = htons((uint16_t)atoi(argv[2]));

	double rate = atof(argv[3]), start = seconds_now(), end = start + atof(argv[4]);
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (raw < 0) {
		perror("raw socket");
		return 1;
	}
	for (unsigned i = 0; i < BATCH; i++) {
		begin(&packets[i]);
		parts[i] = (struct iovec){ packets[i].bytes, sizeof packets[i].bytes };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &target,
			.msg_namelen = sizeof target,
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
		};
	}
	while (seconds_now() < end) {
		int batch = send_batch(raw);

		if (batch < 0) {
			perror("sendmmsg");
			return 1;
		}
		sent += (uint64_t)batch;
		wait_until(start + (double)sent / rate);
	}
	printf("%llu sent in %.1f s\n", (unsigned long long)sent, seconds_now() - start);
	return sent == 0;
}
