// SPDX-License-Identifier: Apache-2.0 OR MIT

// peer: a stock go-libp2p node for the interop matrix, as ../README.md describes it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// patience bounds every test, so that a silent peer is a failure and not a hang.
const patience = 120 * time.Second

func main() {
	security := flag.String("security", "", "noise or tls; both unless told")
	psk := flag.String("psk", "", "file with a swarm key: a private network")
	listen := flag.String("listen", "/ip4/127.0.0.1/tcp/0", "address of the verb listen")
	flag.Parse()
	err := run(*security, *psk, *listen, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(security, psk, listen string, words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("wants a verb: listen, dial ADDRESS TEST…, watch ADDRESS, or contract")
	}
	switch words[0] {
	case "listen":
		h, err := newHost(security, psk, libp2p.ListenAddrStrings(listen))
		if err != nil {
			return err
		}
		return serve(h)
	case "dial":
		if len(words) < 3 {
			return fmt.Errorf("dial wants an address and tests")
		}
		h, err := newHost(security, psk, libp2p.NoListenAddrs)
		if err != nil {
			return err
		}
		return dial(h, words[1], words[2:])
	case "watch":
		if len(words) != 2 {
			return fmt.Errorf("watch wants an address")
		}
		h, err := newHost(security, psk, libp2p.NoListenAddrs)
		if err != nil {
			return err
		}
		return watch(h, words[1], os.Stdin)
	case "contract":
		return runContract()
	}
	return fmt.Errorf("%s: no such verb", words[0])
}

// newHost makes a node with TCP, Yamux and the security asked for, and nothing that looks for peers.
func newHost(security, psk string, more libp2p.Option) (host.Host, error) {
	options := []libp2p.Option{
		more,
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}),
	}
	if security != "tls" {
		options = append(options, libp2p.Security(noise.ID, noise.New))
	}
	if security != "noise" {
		options = append(options, libp2p.Security(libp2ptls.ID, libp2ptls.New))
	}
	if psk != "" {
		file, err := os.Open(psk)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		key, err := pnet.DecodeV1PSK(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", psk, err)
		}
		options = append(options, libp2p.PrivateNetwork(key))
	}
	return libp2p.New(options...)
}

// serve answers until standard input ends. Identify and ping are the host's own.
func serve(h host.Host) error {
	h.SetStreamHandler(perfID, servePerf)
	h.SetStreamHandler(echoID, serveEcho)
	h.Network().Notify(&network.NotifyBundle{
		ConnectedF: func(_ network.Network, c network.Conn) {
			state := c.ConnState()
			fmt.Printf("connected %s security=%s muxer=%s early=%t\n", c.RemotePeer(), state.Security,
				state.StreamMultiplexer, state.UsedEarlyMuxerNegotiation)
		},
	})
	fmt.Printf("listening %s/p2p/%s\n", h.Addrs()[0], h.ID())
	return obey(h, os.Stdin)
}

// dial connects to one peer and runs each test against it, one line of output a test.
func dial(h host.Host, address string, tests []string) error {
	target, err := peer.AddrInfoFromString(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	told, err := h.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		return err
	}
	defer told.Close()
	failed := 0
	for _, name := range tests {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		said, err := runTest(ctx, h, *target, told, name)
		cancel()
		if err != nil {
			failed++
			fmt.Printf("failed %s: %v\n", name, err)
		} else {
			fmt.Printf("ok %s %s\n", name, said)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d tests failed", failed, len(tests))
	}
	return nil
}
