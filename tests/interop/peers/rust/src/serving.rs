// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Streams that others open: each gets a task as soon as its protocol is agreed on. libp2p-stream hands them on one at a
//! time, and drops those that come faster than they are taken.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll};

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::{DeniedUpgrade, InboundUpgrade, UpgradeInfo};
use libp2p::swarm::handler::{ConnectionEvent, FullyNegotiatedInbound};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
    SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol};

use crate::node::{ECHO, PERF, send_zeros};

const SERVED: &[StreamProtocol] = &[PERF, ECHO];

/// Serves perf and echo, if told to.
pub struct Behaviour {
    protocols: &'static [StreamProtocol],
}

impl Behaviour {
    pub fn new(serves: bool) -> Self {
        Self { protocols: if serves { SERVED } else { &[] } }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler { protocols: self.protocols })
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler { protocols: self.protocols })
    }

    fn on_swarm_event(&mut self, _: FromSwarm) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

pub struct Handler {
    protocols: &'static [StreamProtocol],
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = Accept;
    type OutboundProtocol = DeniedUpgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Accept> {
        SubstreamProtocol::new(Accept { protocols: self.protocols }, ())
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<DeniedUpgrade, (), Infallible>> {
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<Accept, DeniedUpgrade>) {
        if let ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
            protocol: (stream, protocol), ..
        }) = event
        {
            tokio::spawn(serve(stream, protocol));
        }
    }
}

/// Takes the stream as it is.
pub struct Accept {
    protocols: &'static [StreamProtocol],
}

impl UpgradeInfo for Accept {
    type Info = StreamProtocol;
    type InfoIter = std::iter::Cloned<std::slice::Iter<'static, StreamProtocol>>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.protocols.iter().cloned()
    }
}

impl InboundUpgrade<Stream> for Accept {
    type Output = (Stream, StreamProtocol);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_inbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((stream, protocol)))
    }
}

/// What breaks is dropped, so reset. Of a reset by the peer the library tells who writes alone, as of a stream that takes
/// nothing more.
async fn serve(mut stream: Stream, protocol: StreamProtocol) {
    let done = match protocol == PERF {
        true => perf(&mut stream).await,
        false => echo(&mut stream).await,
    };
    if done.is_err_and(|why| why.kind() == io::ErrorKind::WriteZero) {
        println!("reset {protocol}");
    }
}

/// Reads how many bytes to send, then to the end, then sends them.
async fn perf(stream: &mut Stream) -> io::Result<()> {
    let mut down = [0; 8];
    stream.read_exact(&mut down).await?;
    futures::io::copy(&mut *stream, &mut futures::io::sink()).await?;
    send_zeros(stream, u64::from_be_bytes(down)).await?;
    stream.close().await
}

/// Writes what it reads, until that ends.
async fn echo(stream: &mut Stream) -> io::Result<()> {
    let mut block = [0; 16384];
    loop {
        let len = stream.read(&mut block).await?;
        if len == 0 {
            return stream.close().await;
        }
        stream.write_all(&block[..len]).await?;
        stream.flush().await?;
    }
}
