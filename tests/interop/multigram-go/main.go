// SPDX-License-Identifier: Apache-2.0 OR MIT

// multigram-go is a small Viaduct edge, written from multigram/SPEC.md and switch/SPEC.md alone: it
// links to a router, reserves, has one session with another edge, and exchanges pings.
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Exit codes.
const (
	exitTimeout = 1
	exitUsage   = 2
	exitRefused = 3
)

type options struct {
	router, connect, allow, key, ciphers string
	cross                                string
	pings                                int
	stay, probe                          bool
	timeout                              time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.router, "router", "", "link `address` of the router: /ip4/…/udp/…/viaduct/p2p/…")
	flag.StringVar(&o.connect, "connect", "", "open a session with this `peer`")
	flag.StringVar(&o.allow, "allow", "", "accept a session from this `peer`")
	flag.StringVar(&o.key, "key", "", "`file` of a libp2p private key; without it, a new one")
	flag.StringVar(&o.ciphers, "ciphers", cipherChaCha, "`list` of ciphers, by preference")
	flag.IntVar(&o.pings, "pings", 3, "pings to have answered over the session")
	flag.BoolVar(&o.stay, "stay", false, "answer until SIGTERM")
	flag.BoolVar(&o.probe, "probe", false, "try the rules of the specifications on the router instead")
	flag.StringVar(&o.cross, "cross", "", "answer the first message 1 of a session by one of our own, with a `smaller` or larger e")
	flag.DurationVar(&o.timeout, "timeout", 30*time.Second, "when to give up")
	flag.Parse()
	e, err := o.edge()
	if err != nil {
		fmt.Fprintln(os.Stderr, "multigram-go:", err)
		os.Exit(exitUsage)
	}
	if o.probe {
		e.socket.Close()
		os.Exit(e.probe())
	}
	os.Exit(e.run(o))
}

func (e *edge) probe() int {
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(e.address))
	if err != nil {
		fmt.Fprintln(os.Stderr, "multigram-go:", err)
		return exitUsage
	}
	p := probe{socket: socket, router: e.router, to: e.address, self: e.self}
	return p.run(e.dials)
}

var linkAddress = regexp.MustCompile(`^/ip[46]/([^/]+)/udp/(\d+)/viaduct/p2p/(\w+)$`)

func (o options) edge() (*edge, error) {
	parts := linkAddress.FindStringSubmatch(o.router)
	if parts == nil {
		return nil, fmt.Errorf("--router %q: not a link address", o.router)
	}
	address, err := netip.ParseAddrPort(net.JoinHostPort(parts[1], parts[2]))
	if err != nil {
		return nil, err
	}
	router, err := parsePeerID(parts[3])
	if err != nil {
		return nil, err
	}
	self, err := o.identity()
	if err != nil {
		return nil, err
	}
	socket, err := listen(address.Addr().Is4())
	if err != nil {
		return nil, err
	}
	e := newEdge(self, socket, router, address, strings.Split(o.ciphers, ","))
	for text, peer := range map[string]*peerID{o.connect: &e.dials, o.allow: &e.allows} {
		if text == "" {
			continue
		}
		if *peer, err = parsePeerID(text); err != nil {
			return nil, err
		}
	}
	e.pings.want = o.pings
	e.sessions.cross = crossing{order: map[string]int{"smaller": -1, "larger": 1}[o.cross], peer: e.allows}
	return e, nil
}

func (o options) identity() (identity, error) {
	if o.key != "" {
		return readIdentity(o.key)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return newIdentity(private), err
}

// listen opens a UDP socket that does not fragment what it sends (11).
func listen(is4 bool) (*net.UDPConn, error) {
	network := "udp6"
	if is4 {
		network = "udp4"
	}
	socket, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, err
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) {
		if is4 {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, syscall.IP_PMTUDISC_DO)
		} else {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_MTU_DISCOVER, syscall.IPV6_PMTUDISC_DO)
		}
	})
	if failed != nil {
		return nil, failed
	}
	return socket, err
}

type datagram struct {
	from netip.AddrPort
	data []byte
}

func (e *edge) run(o options) int {
	arrived := make(chan datagram, 64)
	go func() {
		for {
			data := make([]byte, 65536)
			n, from, err := e.socket.ReadFromUDPAddrPort(data)
			if err != nil {
				continue
			}
			arrived <- datagram{netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), data[:n]}
		}
	}()
	fmt.Printf("ready peer=%s\n", e.self.id)
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM)
	clock := time.NewTicker(10 * time.Millisecond)
	end := time.Now().Add(o.timeout)
	for {
		select {
		case in := <-arrived:
			e.now = time.Now()
			e.datagram(in.from, in.data)
		case <-clock.C:
			e.tick(time.Now())
		case <-stopped:
			o.stay = false
		}
		switch {
		case e.refused:
			return exitRefused
		case e.pings.done() && e.linkPings.done() && e.reserved && !o.stay:
			e.close()
			return 0
		case e.now.After(end):
			fmt.Println("timeout")
			return exitTimeout
		}
	}
}
