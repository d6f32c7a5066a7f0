/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * flood [-c] ADDRESS PORT PER_SECOND SECONDS: first messages of link handshakes, 1,024 bytes, well
 * formed as far as a stranger can make them, from random addresses: of 198.18.0.0/15 to an IPv4
 * address, of /64s of fd00:5eed::/32 to an IPv6 one. With -c it sees what comes back to them, and
 * brings each cookie back: the addresses are its own, then. Needs NET_RAW; prints what
 * was sent, and what came back by kind.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,
	FRAME = 1024,
	HEADERS_MOST = 48,
	INDEX_AT = 2,
	E_AT = 10,
	DRAWN = 32,
	PAYLOAD = 10,
	COOKIE = 16,
	COOKIE_FRAME = 34, /* and its cookie at its end, our index before that of e */
	RECEIVER_AT = 6,
	TYPES = 5,
};

/* IP header, UDP header, frame; a frame's number makes its addresses, index and e. */
struct packet {
	_Alignas(8) uint8_t bytes[HEADERS_MOST + FRAME];
};

static struct packet packets[BATCH];
static struct mmsghdr messages[BATCH];
static struct iovec parts[BATCH];
static struct sockaddr_in6 target6;
static struct sockaddr_in target4;
static bool six;
static size_t ip_bytes, headers;
static uint64_t sent, cookies, came[TYPES], came_bytes;

static uint64_t mix(uint64_t z)
{
	z *= UINT64_C(0x9e3779b97f4a7c15);
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

/* ---- packets ---- */

static void begin_4(struct packet *packet)
{
	struct iphdr *ip = (struct iphdr *)packet->bytes;

	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->tot_len = htons((uint16_t)(headers + FRAME));
	ip->frag_off = htons(IP_DF);
	ip->daddr = target4.sin_addr.s_addr;
}

static void begin_6(struct packet *packet)
{
	struct ip6_hdr *ip = (struct ip6_hdr *)packet->bytes;

	ip->ip6_vfc = 0x60;
	ip->ip6_hlim = 64;
	ip->ip6_nxt = IPPROTO_UDP;
	ip->ip6_plen = htons(sizeof(struct udphdr) + FRAME);
	ip->ip6_dst = target6.sin6_addr;
}

static struct udphdr *udp_of(struct packet *packet)
{
	return (struct udphdr *)(packet->bytes + ip_bytes);
}

/* What stays the same; the payload is an extension of nothing but padding (switch/SPEC.md, 3.2). */
static void begin(struct packet *packet, uint16_t port)
{
	static const uint8_t payload[PAYLOAD] = {
		0x22, 0xc3, 7, 0x92, 0x41, 0xbf, 7, 0x7a, 0xbc, 7
	};
	uint8_t *frame = packet->bytes + headers;

	if (six)
		begin_6(packet);
	else
		begin_4(packet);
	udp_of(packet)->dest = htons(port);
	udp_of(packet)->len = htons(sizeof(struct udphdr) + FRAME);
	frame[0] = 4;
	frame[1] = 1;
	memcpy(frame + E_AT + DRAWN, payload, sizeof payload);
}

static void set_source(struct packet *packet, uint64_t drawn)
{
	struct iphdr *ip = (struct iphdr *)packet->bytes;
	struct ip6_hdr *ip6 = (struct ip6_hdr *)packet->bytes;
	static const uint8_t prefix[] = { 0xfd, 0, 0x5e, 0xed };

	udp_of(packet)->source = htons((uint16_t)(1024 + (drawn >> 32) % 60000));
	if (!six) {
		ip->saddr = htonl(UINT32_C(0xc6120000) | (uint32_t)(drawn & 0x1ffff));
		return;
	}
	memcpy(&ip6->ip6_src, prefix, sizeof prefix);
	memcpy((uint8_t *)&ip6->ip6_src + sizeof prefix, &drawn, 4); /* the rest of the /64 */
}

static uint32_t sum_of(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	return sum;
}

/* Padding is zeros and adds nothing. */
static void set_checksum(struct packet *packet)
{
	enum { SUMMED = sizeof(struct udphdr) + E_AT + DRAWN + PAYLOAD };
	size_t address = six ? 16 : 4, source_at = six ? 8 : 12;
	struct udphdr *udp = udp_of(packet);
	uint32_t sum = IPPROTO_UDP + sizeof *udp + FRAME;

	udp->check = 0;
	sum += sum_of(packet->bytes + source_at, 2 * address) + sum_of(udp, SUMMED) +
	       sum_of(packet->bytes + headers + FRAME - COOKIE, COOKIE);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	udp->check = htons((uint16_t)(sum == 0xffff ? sum : ~sum & 0xffff));
}

/* Message 1 number `number`, the same each time; `cookie` NULL: none. */
static void change(struct packet *packet, uint32_t number, const uint8_t *cookie)
{
	uint8_t *frame = packet->bytes + headers;
	uint32_t index = htonl(number);

	set_source(packet, mix(number));
	memcpy(frame + INDEX_AT, &index, sizeof index);
	for (unsigned i = 0; i < DRAWN; i += 8) {
		uint64_t drawn = mix((uint64_t)number << 8 | (i + 1));

		memcpy(frame + E_AT + i, &drawn, 8);
	}
	memset(frame + FRAME - COOKIE, 0, COOKIE);
	if (cookie)
		memcpy(frame + FRAME - COOKIE, cookie, COOKIE);
	set_checksum(packet);
}

/* ---- sending ---- */

static void send_batch(int raw, unsigned count)
{
	int done = count ? sendmmsg(raw, messages, count, 0) : 0;

	if (done < 0) {
		perror("sendmmsg");
		exit(1);
	}
	sent += (uint64_t)done;
}

/* UDP to anybody from the port that is flooded; the frame in it, or NULL. */
static const uint8_t *answer_in(const uint8_t *packet, ssize_t len, uint16_t port)
{
	const struct udphdr *udp = (const struct udphdr *)(packet + ip_bytes);
	uint8_t protocol = packet[six ? 6 : 9];

	if (len < (ssize_t)headers + E_AT || packet[0] >> 4 != (six ? 6 : 4) ||
	    protocol != IPPROTO_UDP || udp->source != htons(port))
		return NULL;
	return packet + headers;
}

/* What came back since the last look: cookies go into packets, which makes `count` of them. */
static unsigned look(int seen, uint16_t port)
{
	_Alignas(8) uint8_t bytes[2048];
	unsigned count = 0;
	ssize_t len;

	while (count < BATCH && (len = recv(seen, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		const uint8_t *frame = answer_in(bytes, len, port);
		uint32_t number;

		if (!frame)
			continue;
		came[frame[1] < TYPES ? frame[1] : 0]++;
		came_bytes += (uint64_t)len - headers;
		if (frame[1] != 4 || len != (ssize_t)headers + COOKIE_FRAME)
			continue;
		memcpy(&number, frame + RECEIVER_AT, sizeof number);
		change(&packets[count++], ntohl(number), frame + COOKIE_FRAME - COOKIE);
		cookies++;
	}
	return count;
}

static void wait_until(double at)
{
	double left = at - seconds_now();
	struct timespec span = { .tv_nsec = (long)(left * 1e9) };

	if (left > 0 && left < 1)
		nanosleep(&span, NULL);
}

static void flood(int raw, int seen, uint16_t port, double rate, double seconds)
{
	double start = seconds_now();
	uint32_t number = 0;

	while (seconds_now() < start + seconds) {
		for (unsigned i = 0; i < BATCH; i++)
			change(&packets[i], ++number, NULL);
		send_batch(raw, BATCH);
		do {
			if (seen >= 0)
				send_batch(raw, look(seen, port));
			wait_until(seen < 0 ? start + number / rate : seconds_now() + 0.0005);
		} while (seconds_now() < start + number / rate);
	}
}

static bool aim(const char *address, uint16_t port)
{
	target4.sin_family = AF_INET;
	target6.sin6_family = AF_INET6;
	(void)port; /* raw sockets want none */
	six = inet_pton(AF_INET, address, &target4.sin_addr) != 1;
	ip_bytes = six ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	headers = ip_bytes + sizeof(struct udphdr);
	return !six || inet_pton(AF_INET6, address, &target6.sin6_addr) == 1;
}

int main(int argc, char **argv)
{
	bool honest = argc > 1 && strcmp(argv[1], "-c") == 0;
	int seen = -1, raw;
	uint16_t port;

	argv += honest;
	if (argc - honest != 5 || !aim(argv[1], port = (uint16_t)atoi(argv[2]))) {
		fprintf(stderr, "usage: flood [-c] ADDRESS PORT PER_SECOND SECONDS\n");
		return 2;
	}
	raw = socket(six ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (honest)
		seen = socket(AF_PACKET, SOCK_DGRAM, htons(six ? ETH_P_IPV6 : ETH_P_IP));
	if (raw < 0 || (honest && seen < 0)) {
		perror("raw socket");
		return 1;
	}
	for (unsigned i = 0; i < BATCH; i++) {
		begin(&packets[i], port);
		parts[i] = (struct iovec){ packets[i].bytes, headers + FRAME };
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = six ? (void *)&target6 : (void *)&target4,
			.msg_namelen = six ? sizeof target6 : sizeof target4,
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
		};
	}
	flood(raw, seen, port, atof(argv[3]), atof(argv[4]));
	printf("%llu sent in %s s", (unsigned long long)sent, argv[4]);
	if (honest)
		printf(", %llu of them with a cookie; came back: %llu messages 2, %llu cookie "
		       "frames, %llu bytes",
		       (unsigned long long)cookies, (unsigned long long)came[2],
		       (unsigned long long)came[4], (unsigned long long)came_bytes);
	printf("\n");
	return sent == 0;
}
