// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A node with TCP, Yamux and the security asked for, which serves identify, ping and perf.

use std::error::Error;
use std::io;
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::core::transport::upgrade::Version;
use libp2p::pnet::{PnetConfig, PreSharedKey};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{Multiaddr, Stream, StreamProtocol, Swarm, SwarmBuilder, Transport};
use libp2p::{identify, identity, noise, ping, tcp, tls, yamux};
use tokio::io::AsyncReadExt as _;

use crate::args::Options;
use crate::tests::PATIENCE;

/// https://github.com/libp2p/specs/blob/master/perf/perf.md
pub const PERF: StreamProtocol = StreamProtocol::new("/perf/1.0.0");

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub stream: libp2p_stream::Behaviour,
}

impl Behaviour {
    fn new(key: &identity::Keypair) -> Self {
        let identify = identify::Config::new("/viaduct/interop/1".into(), key.public())
            .with_agent_version("rust-libp2p-peer".into());
        let ping = ping::Config::new()
            .with_interval(Duration::from_millis(200))
            .with_timeout(PATIENCE);
        Self {
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
            stream: libp2p_stream::Behaviour::new(),
        }
    }
}

/// Makes the swarm; nothing in it looks for other peers.
pub fn swarm(options: &Options) -> Result<Swarm<Behaviour>, Box<dyn Error>> {
    let tcp = tcp::Config::default().nodelay(true);
    let builder = SwarmBuilder::with_new_identity().with_tokio();
    if let Some(file) = &options.psk {
        let psk: PreSharedKey = std::fs::read_to_string(file)?.parse()?;
        return Ok(builder
            .with_other_transport(|key| {
                Ok(tcp::tokio::Transport::new(tcp)
                    .and_then(move |socket, _| PnetConfig::new(psk).handshake(socket))
                    .upgrade(Version::V1Lazy)
                    .authenticate(noise::Config::new(key)?)
                    .multiplex(yamux::Config::default()))
            })?
            .with_behaviour(Behaviour::new)?
            .build());
    }
    Ok(match options.security.as_deref() {
        Some("noise") => builder
            .with_tcp(tcp, noise::Config::new, yamux::Config::default)?
            .with_behaviour(Behaviour::new)?
            .build(),
        Some("tls") => builder
            .with_tcp(tcp, tls::Config::new, yamux::Config::default)?
            .with_behaviour(Behaviour::new)?
            .build(),
        _ => builder
            .with_tcp(tcp, (tls::Config::new, noise::Config::new), yamux::Config::default)?
            .with_behaviour(Behaviour::new)?
            .build(),
    })
}

/// Answers until standard input ends.
pub async fn serve(options: &Options, listen: Multiaddr) -> Result<(), Box<dyn Error>> {
    let mut swarm = swarm(options)?;
    swarm.listen_on(listen)?;
    let mut streams = swarm.behaviour().stream.new_control().accept(PERF)?;
    tokio::spawn(async move {
        while let Some((_, stream)) = streams.next().await {
            tokio::spawn(serve_perf(stream));
        }
    });
    let mut input = tokio::io::stdin();
    let mut ignored = [0; 64];
    loop {
        tokio::select! {
            event = swarm.select_next_some() => tell(&swarm, event),
            read = input.read(&mut ignored) => if read? == 0 { return Ok(()) },
        }
    }
}

fn tell(swarm: &Swarm<Behaviour>, event: libp2p::swarm::SwarmEvent<BehaviourEvent>) {
    use libp2p::swarm::SwarmEvent::*;
    match event {
        NewListenAddr { address, .. } => {
            println!("listening {address}/p2p/{}", swarm.local_peer_id());
        }
        ConnectionEstablished { peer_id, .. } => println!("connected {peer_id}"),
        IncomingConnectionError { error, .. } => println!("refused {error}"),
        _ => {}
    }
}

/// Reads how many bytes to send, then to the end, then sends them. What breaks is dropped, so reset.
async fn serve_perf(mut stream: Stream) -> io::Result<()> {
    let mut down = [0; 8];
    stream.read_exact(&mut down).await?;
    futures::io::copy(&mut stream, &mut futures::io::sink()).await?;
    send_zeros(&mut stream, u64::from_be_bytes(down)).await?;
    stream.close().await
}

/// Writes COUNT bytes.
pub async fn send_zeros(stream: &mut Stream, count: u64) -> io::Result<()> {
    let block = vec![0; 65536];
    let mut left = count;
    while left > 0 {
        let part = left.min(block.len() as u64) as usize;
        stream.write_all(&block[..part]).await?;
        left -= part as u64;
    }
    stream.flush().await
}
