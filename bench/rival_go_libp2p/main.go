// SPDX-License-Identifier: Apache-2.0 OR MIT

// rival: a stock go-libp2p node as `libp2p` measures it; ../measured.h says what it is given and
// prints. Its module files are those of tests/interop/peers/go (see ../build_go_libp2p.sh).
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

var accepted, received atomic.Uint64

func main() {
	security := flag.String("security", "noise", "noise or tls")
	flag.Parse()
	if err := run(*security); err != nil {
		fmt.Fprintln(os.Stderr, "rival:", err)
		os.Exit(1)
	}
}

// run serves until standard input ends. Without limits and metrics, which would cost it more.
func run(security string) error {
	channel := libp2p.Security(noise.ID, noise.New)
	if security == "tls" {
		channel = libp2p.Security(libp2ptls.ID, libp2ptls.New)
	}
	h, err := libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		channel,
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.ConnectionManager(connmgr.NullConnMgr{}),
		libp2p.ResourceManager(&network.NullResourceManager{}),
	)
	if err != nil {
		return err
	}
	h.SetStreamHandler("/perf/1.0.0", servePerf)
	h.Network().Notify(&network.NotifyBundle{
		ConnectedF: func(network.Network, network.Conn) { accepted.Add(1) },
	})
	fmt.Printf("listening %s/p2p/%s\n", h.Addrs()[0], h.ID())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		tell(h)
	}
	return lines.Err()
}

// tell says what was done, after garbage was collected and given back.
func tell(h host.Host) {
	runtime.GC()
	debug.FreeOSMemory()
	fmt.Printf("open=%d accepted=%d received=%d\n", len(h.Network().Conns()), accepted.Load(), received.Load())
}

// servePerf reads how many bytes to send, then to the end, then sends them.
func servePerf(s network.Stream) {
	var down uint64
	err := binary.Read(s, binary.BigEndian, &down)
	if err == nil {
		err = receive(s)
	}
	if err == nil {
		err = send(s, down)
	}
	if err != nil {
		s.Reset()
		return
	}
	s.Close()
}

// Buffers of 64 KiB, as go-libp2p's own perf has them (p2p/protocol/perf is not in the package).
const bufferBytes = 65536

func receive(s network.Stream) error {
	buffer := make([]byte, bufferBytes)
	for {
		n, err := s.Read(buffer)
		received.Add(uint64(n))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func send(s network.Stream, left uint64) error {
	buffer := make([]byte, bufferBytes)
	for left > 0 {
		n, err := s.Write(buffer[:min(left, bufferBytes)])
		if err != nil {
			return err
		}
		left -= uint64(n)
	}
	return nil
}
