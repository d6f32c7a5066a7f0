// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// perfID is https://github.com/libp2p/specs/blob/master/perf/perf.md.
const perfID = "/perf/1.0.0"

// runTest runs NAME or NAME=COUNT; what it returns is printed after `ok`.
func runTest(ctx context.Context, h host.Host, target peer.AddrInfo, told event.Subscription, test string) (string, error) {
	name, number, _ := strings.Cut(test, "=")
	count, err := strconv.ParseUint(number, 10, 63)
	if err != nil && number != "" {
		return "", fmt.Errorf("%s is no number", number)
	}
	if name == "wrong-peer" {
		return wrongPeer(ctx, h, target)
	}
	if err := h.Connect(ctx, target); err != nil {
		return "", err
	}
	switch name {
	case "connect":
		state := h.Network().ConnsToPeer(target.ID)[0].ConnState()
		return fmt.Sprintf("security=%s muxer=%s early=%t", state.Security, state.StreamMultiplexer,
			state.UsedEarlyMuxerNegotiation), nil
	case "identify":
		return identified(ctx, told)
	case "ping":
		return pings(ctx, h, target, max(count, 1))
	case "upload":
		return perf(ctx, h, target, count, 0)
	case "download":
		return perf(ctx, h, target, 0, count)
	case "half-close":
		return perf(ctx, h, target, 1000, 2000)
	case "reset":
		return reset(ctx, h, target)
	case "streams":
		return streams(ctx, h, target, max(count, 1))
	case "echo":
		return echo(ctx, h, target, count)
	}
	return "", errors.New("no such test")
}

// identified waits for the exchange, then tells what the peer said of itself, and of us.
func identified(ctx context.Context, told event.Subscription) (string, error) {
	select {
	case what := <-told.Out():
		said := what.(event.EvtPeerIdentificationCompleted)
		return fmt.Sprintf("protocols=%s addresses=%s record=%s observed=%s agent=%s", joined(said.Protocols),
			joined(said.ListenAddrs), joined(signed(said)), said.ObservedAddr, said.AgentVersion), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func pings(ctx context.Context, h host.Host, target peer.AddrInfo, count uint64) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := ping.Ping(ctx, h, target.ID)
	var last ping.Result
	for range count {
		last = <-results
		if last.Error != nil {
			return "", last.Error
		}
	}
	return fmt.Sprintf("rtt=%v", last.RTT), nil
}

// perf sends up bytes, closes its half, and must be sent exactly down bytes and an end.
func perf(ctx context.Context, h host.Host, target peer.AddrInfo, up, down uint64) (string, error) {
	s, err := h.NewStream(ctx, target.ID, perfID)
	if err != nil {
		return "", err
	}
	defer s.Reset()
	if deadline, ok := ctx.Deadline(); ok {
		s.SetDeadline(deadline)
	}
	if err := binary.Write(s, binary.BigEndian, down); err != nil {
		return "", err
	}
	if _, err := io.CopyN(s, zeros{}, int64(up)); err != nil {
		return "", fmt.Errorf("while sending: %w", err)
	}
	if err := s.CloseWrite(); err != nil {
		return "", err
	}
	got, err := io.Copy(io.Discard, s)
	if err != nil {
		return "", fmt.Errorf("after %d bytes: %w", got, err)
	}
	if uint64(got) != down {
		return "", fmt.Errorf("asked for %d bytes, got %d", down, got)
	}
	return fmt.Sprintf("sent=%d received=%d", up, down), nil
}

// servePerf reads how many bytes to send, then to the end, then sends them.
func servePerf(s network.Stream) {
	var down uint64
	err := binary.Read(s, binary.BigEndian, &down)
	if err == nil {
		_, err = io.Copy(io.Discard, s)
	}
	if err == nil {
		_, err = io.CopyN(s, zeros{}, int64(down))
	}
	finish(s, err)
}

// finish closes a stream that was answered, or breaks it; a reset by the peer is told.
func finish(s network.Stream, err error) {
	if errors.Is(err, network.ErrReset) {
		fmt.Println("reset", s.Protocol())
	}
	if err != nil {
		s.Reset()
		return
	}
	s.Close()
}

// reset breaks a stream in the middle; the connection and a second stream must not notice.
func reset(ctx context.Context, h host.Host, target peer.AddrInfo) (string, error) {
	conn := h.Network().ConnsToPeer(target.ID)[0]
	s, err := h.NewStream(ctx, target.ID, perfID)
	if err != nil {
		return "", err
	}
	if err := binary.Write(s, binary.BigEndian, uint64(1<<40)); err != nil {
		return "", err
	}
	if err := s.CloseWrite(); err != nil {
		return "", err
	}
	if _, err := io.CopyN(io.Discard, s, 1000); err != nil {
		return "", err
	}
	s.Reset()
	if _, err := pings(ctx, h, target, 1); err != nil {
		return "", fmt.Errorf("ping after a reset: %w", err)
	}
	if conn.IsClosed() {
		return "", errors.New("the connection did not outlive the reset")
	}
	return "the connection goes on", nil
}

// streams opens many streams at once; each sends, closes its half, and must be answered whole.
func streams(ctx context.Context, h host.Host, target peer.AddrInfo, count uint64) (string, error) {
	var group sync.WaitGroup
	failures := make(chan error, count)
	for range count {
		group.Add(1)
		go func() {
			defer group.Done()
			if _, err := perf(ctx, h, target, 100, 200); err != nil {
				failures <- err
			}
		}()
	}
	group.Wait()
	close(failures)
	failed := len(failures)
	if failed > 0 {
		return "", fmt.Errorf("%d of %d streams: %w", failed, count, <-failures)
	}
	return fmt.Sprintf("count=%d", count), nil
}

// wrongPeer dials the right address for another identity; that must fail.
func wrongPeer(ctx context.Context, h host.Host, target peer.AddrInfo) (string, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return "", err
	}
	other, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return "", err
	}
	err = h.Connect(ctx, peer.AddrInfo{ID: other, Addrs: target.Addrs})
	if err == nil {
		return "", errors.New("a peer with another id was taken")
	}
	if !strings.Contains(err.Error(), "peer id mismatch") {
		return "", fmt.Errorf("refused for another reason: %w", err)
	}
	return "refused", nil
}

// zeros is an endless source of them.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
