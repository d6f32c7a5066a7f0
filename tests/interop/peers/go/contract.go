// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// contract is what ../../contract/environment.h tells: the older one has names in lower case.
type contract struct {
	older    bool
	security string
	dialer   bool
	redis    string
	key      string
}

func readContract() contract {
	if key := os.Getenv("TEST_KEY"); key != "" {
		return contract{false, os.Getenv("SECURE_CHANNEL"), os.Getenv("IS_DIALER") == "true",
			os.Getenv("REDIS_ADDR"), key + "_listener_multiaddr"}
	}
	return contract{true, os.Getenv("security"), os.Getenv("is_dialer") == "true",
		os.Getenv("redis_addr"), "listenerAddr"}
}

// runContract plays one side of the libp2p project's transport test.
func runContract() error {
	c := readContract()
	if c.security != "noise" && c.security != "tls" {
		return fmt.Errorf("wants noise or tls, not %q", c.security)
	}
	if !c.dialer {
		h, err := newHost(c.security, "", libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
		if err != nil {
			return err
		}
		return c.listen(h)
	}
	h, err := newHost(c.security, "", libp2p.NoListenAddrs)
	if err != nil {
		return err
	}
	return c.dial(h)
}

func (c contract) listen(h host.Host) error {
	address := fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID())
	if _, err := redis(c.redis, "RPUSH", c.key, address); err != nil {
		return err
	}
	select {} // until it is killed
}

func (c contract) dial(h host.Host) error {
	answer, err := redis(c.redis, "BLPOP", c.key, "120")
	if err != nil {
		return err
	}
	target, err := peer.AddrInfoFromString(answer[len(answer)-1])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := time.Now()
	if err := h.Connect(ctx, *target); err != nil {
		return err
	}
	result := <-ping.Ping(ctx, h, target.ID)
	if result.Error != nil {
		return result.Error
	}
	c.print(float64(time.Since(start).Microseconds())/1000, float64(result.RTT.Microseconds())/1000)
	return nil
}

func (c contract) print(whole, rtt float64) {
	if c.older {
		fmt.Printf("{\"handshakePlusOneRTTMillis\":%f,\"pingRTTMilllis\":%f}\n", whole, rtt)
		return
	}
	fmt.Printf("latency:\n  handshake_plus_one_rtt: %f\n  ping_rtt: %f\n  unit: ms\n", whole, rtt)
}

// redis runs one command and returns the texts of its answer, of the kinds that RPUSH and BLPOP
// give (https://redis.io/docs/latest/develop/reference/protocol-spec).
func redis(address string, words ...string) ([]string, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(conn, command.String()); err != nil {
		return nil, err
	}
	return redisAnswer(bufio.NewReader(conn))
}

func redisAnswer(r *bufio.Reader) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	var count int
	kind, rest := line[0], strings.TrimSpace(line[1:])
	if kind == ':' {
		return []string{rest}, nil
	}
	if _, err := fmt.Sscan(rest, &count); err != nil || count < 0 || count > 1<<16 || (kind != '*' && kind != '$') {
		return nil, fmt.Errorf("redis: %s", strings.TrimSpace(line))
	}
	if kind == '$' {
		text := make([]byte, count+2)
		_, err := io.ReadFull(r, text)
		return []string{string(text[:count])}, err
	}
	var texts []string
	for range count {
		more, err := redisAnswer(r)
		if err != nil {
			return nil, err
		}
		texts = append(texts, more...)
	}
	return texts, nil
}
