// SPDX-License-Identifier: Apache-2.0 OR MIT

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"
)

// watch connects, and tells what is known of the peer whenever it has told of itself.
func watch(h host.Host, address string, input io.Reader) error {
	target, err := peer.AddrInfoFromString(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	told, err := h.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		return err
	}
	defer told.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.Connect(ctx, *target); err != nil {
		return err
	}
	done := make(chan error)
	go func() { done <- obey(h, input) }()
	for {
		select {
		case what := <-told.Out():
			fmt.Println(knowledge(h, what.(event.EvtPeerIdentificationCompleted)))
		case err := <-done:
			return err
		}
	}
}

// knowledge is what the host's peer store has now, and what the peer has signed; each list in the order of its texts.
func knowledge(h host.Host, told event.EvtPeerIdentificationCompleted) string {
	protocols, _ := h.Peerstore().GetProtocols(told.Peer)
	return fmt.Sprintf("knows protocols=%s addresses=%s record=%s", joined(protocols),
		joined(h.Peerstore().Addrs(told.Peer)), joined(signed(told)))
}

// signed is the addresses of the record that came, which the library has verified.
func signed(told event.EvtPeerIdentificationCompleted) []multiaddr.Multiaddr {
	if told.SignedPeerRecord == nil {
		return nil
	}
	record, err := told.SignedPeerRecord.Record()
	if err != nil {
		return nil
	}
	return record.(*peer.PeerRecord).Addrs
}

func joined[T any](list []T) string {
	var texts []string
	for _, one := range list {
		texts = append(texts, fmt.Sprint(one))
	}
	slices.Sort(texts)
	return strings.Join(texts, ",")
}

// obey does what the lines of input say, until its end: `serve PROTOCOL`, `unserve PROTOCOL`, `listen ADDRESS`.
func obey(h host.Host, input io.Reader) error {
	for lines := bufio.NewScanner(input); lines.Scan(); {
		verb, what, _ := strings.Cut(lines.Text(), " ")
		var err error
		switch verb {
		case "serve":
			h.SetStreamHandler(protocol.ID(what), func(s network.Stream) { s.Reset() })
		case "unserve":
			h.RemoveStreamHandler(protocol.ID(what))
		case "listen":
			err = listenMore(h, what)
		default:
			err = errors.New("no such command")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", lines.Text(), err)
		}
	}
	return nil
}

func listenMore(h host.Host, address string) error {
	more, err := multiaddr.NewMultiaddr(address)
	if err != nil {
		return err
	}
	return h.Network().Listen(more)
}
