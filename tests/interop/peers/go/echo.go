// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// echoID is of these tests alone: what one side writes the other writes back, until its end.
const echoID = "/viaduct-interop/echo/1.0.0"

const echoStreams = 16

// pattern fills p with what stream SEED has from byte AT on: ../README.md.
func pattern(p []byte, seed uint32, at uint64) {
	for i := range p {
		x := (uint32(at+uint64(i)) ^ seed*0x9e3779b1) * 0x85ebca6b
		x = (x ^ x>>13) * 0xc2b2ae35
		p[i] = byte(x >> 24)
	}
}

func serveEcho(s network.Stream) {
	_, err := io.Copy(s, s)
	finish(s, err)
}

// echo sends count bytes over several streams at once; of these the last has 16 times the bytes of the first.
func echo(ctx context.Context, h host.Host, target peer.AddrInfo, count uint64) (string, error) {
	part := count / (echoStreams * (echoStreams + 1) / 2)
	failures := make(chan error, echoStreams)
	for seed := range uint32(echoStreams) {
		go func() { failures <- talk(ctx, h, target, seed+1, part*uint64(seed+1)) }()
	}
	for range echoStreams {
		if err := <-failures; err != nil {
			return "", err
		}
	}
	return "all bytes are the same", nil
}

func talk(ctx context.Context, h host.Host, target peer.AddrInfo, seed uint32, count uint64) error {
	s, err := h.NewStream(ctx, target.ID, echoID)
	if err != nil {
		return err
	}
	defer s.Reset()
	if deadline, ok := ctx.Deadline(); ok {
		s.SetDeadline(deadline)
	}
	said := make(chan error, 1)
	go func() { said <- say(s, seed, count) }()
	if err := hear(s, seed, count); err != nil {
		return err
	}
	return <-said
}

func say(s network.Stream, seed uint32, count uint64) error {
	block := make([]byte, 5000) // of no layer's size
	for at := uint64(0); at < count; at += uint64(len(block)) {
		block = block[:min(uint64(len(block)), count-at)]
		pattern(block, seed, at)
		if _, err := s.Write(block); err != nil {
			return fmt.Errorf("while sending: %w", err)
		}
	}
	return s.CloseWrite()
}

func hear(s network.Stream, seed uint32, count uint64) error {
	block, wanted := make([]byte, 16384), make([]byte, 16384)
	for at := uint64(0); ; {
		n, err := s.Read(block)
		pattern(wanted[:n], seed, at)
		for i := range n {
			if block[i] != wanted[i] {
				return fmt.Errorf("byte %d of stream %d is another", at+uint64(i), seed)
			}
		}
		at += uint64(n)
		if err == io.EOF && at == count {
			return nil
		}
		if err != nil || at > count {
			return fmt.Errorf("byte %d of stream %d is the end: %w", at, seed, err)
		}
	}
}
