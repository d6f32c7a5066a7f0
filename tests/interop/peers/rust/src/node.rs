// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A node with TCP, Yamux and the security asked for, which serves identify, ping and perf.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::time::Duration;

use futures::{AsyncWriteExt, StreamExt};
use libp2p::core::PeerRecord;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::transport::upgrade::Version;
use libp2p::pnet::{PnetConfig, PreSharedKey};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, Transport};
use libp2p::{identify, identity, noise, ping, tcp, tls, yamux};
use libp2p_stream::IncomingStreams;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::args::Options;
use crate::serving;
use crate::tests::PATIENCE;

/// https://github.com/libp2p/specs/blob/master/perf/perf.md
pub const PERF: StreamProtocol = StreamProtocol::new("/perf/1.0.0");

/// Of these tests alone: what one side writes the other writes back, until its end.
pub const ECHO: StreamProtocol = StreamProtocol::new("/viaduct-interop/echo/1.0.0");

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub stream: libp2p_stream::Behaviour,
    serving: serving::Behaviour,
}

impl Behaviour {
    fn new(key: &identity::Keypair, serves: bool) -> Self {
        let identify = identify::Config::new_with_signed_peer_record("/viaduct/interop/1".into(), key)
            .with_agent_version("rust-libp2p-peer".into())
            .with_push_listen_addr_updates(true);
        let ping = ping::Config::new()
            .with_interval(Duration::from_millis(200))
            .with_timeout(PATIENCE);
        Self {
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
            stream: libp2p_stream::Behaviour::new(),
            serving: serving::Behaviour::new(serves),
        }
    }
}

/// Makes the swarm; nothing in it looks for other peers. One that SERVES has perf and echo.
pub fn swarm(options: &Options, serves: bool) -> Result<Swarm<Behaviour>, Box<dyn Error>> {
    let behaviour = move |key: &identity::Keypair| Behaviour::new(key, serves);
    let tcp = tcp::Config::default().nodelay(true);
    let builder = SwarmBuilder::with_new_identity().with_tokio();
    if let Some(file) = &options.psk {
        let psk: PreSharedKey = std::fs::read_to_string(file)?.parse()?;
        let tls = options.security.as_deref() == Some("tls");
        return Ok(builder
            .with_other_transport(|key| private(key, tcp, psk, tls))?
            .with_behaviour(behaviour)?
            .build());
    }
    Ok(match options.security.as_deref() {
        Some("noise") => builder
            .with_tcp(tcp, noise::Config::new, muxer)?
            .with_behaviour(behaviour)?
            .build(),
        Some("tls") => builder
            .with_tcp(tcp, tls::Config::new, muxer)?
            .with_behaviour(behaviour)?
            .build(),
        _ => builder
            .with_tcp(tcp, (tls::Config::new, noise::Config::new), muxer)?
            .with_behaviour(behaviour)?
            .build(),
    })
}

/// More streams at once than the library allows unless told: above that it ends the connection.
fn muxer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(2000);
    config
}

type BoxedError = Box<dyn Error + Send + Sync>;

/// A private network's transport has one security: the library does not choose between two of them there.
fn private(
    key: &identity::Keypair,
    tcp: tcp::Config,
    psk: PreSharedKey,
    tls: bool,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, BoxedError> {
    let transport = tcp::tokio::Transport::new(tcp)
        .and_then(move |socket, _| PnetConfig::new(psk).handshake(socket))
        .upgrade(Version::V1Lazy);
    let muxer = muxer();
    Ok(match tls {
        true => transport
            .authenticate(tls::Config::new(key)?)
            .multiplex(muxer)
            .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
            .boxed(),
        false => transport
            .authenticate(noise::Config::new(key)?)
            .multiplex(muxer)
            .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
            .boxed(),
    })
}

/// Answers until standard input ends.
pub async fn serve(options: &Options, listen: Multiaddr) -> Result<(), Box<dyn Error>> {
    let mut swarm = swarm(options, true)?;
    swarm.listen_on(listen)?;
    obey(swarm).await
}

/// Connects, and tells what the peer says of itself whenever it does, until standard input ends.
pub async fn watch(options: &Options, target: Multiaddr) -> Result<(), Box<dyn Error>> {
    let mut swarm = swarm(options, false)?;
    swarm.dial(target)?;
    obey(swarm).await
}

/// Runs the swarm, and does what the lines of standard input say: `serve PROTOCOL`, `unserve PROTOCOL`,
/// `listen ADDRESS`.
async fn obey(mut swarm: Swarm<Behaviour>) -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut served: HashMap<String, IncomingStreams> = HashMap::new();
    loop {
        tokio::select! {
            event = swarm.select_next_some() => tell(&swarm, event),
            line = lines.next_line() => {
                let Some(line) = line? else { return Ok(()) };
                let (verb, what) = line.split_once(' ').ok_or("wants a verb and a word")?;
                match verb {
                    "serve" => {
                        let protocol = StreamProtocol::try_from_owned(what.to_string())?;
                        served.insert(what.into(), swarm.behaviour().stream.new_control().accept(protocol)?);
                    }
                    "unserve" => drop(served.remove(what)),
                    "listen" => drop(swarm.listen_on(what.parse()?)?),
                    _ => return Err(format!("{line}: no such command").into()),
                }
            }
        }
    }
}

fn tell(swarm: &Swarm<Behaviour>, event: SwarmEvent<BehaviourEvent>) {
    use SwarmEvent::*;
    match event {
        NewListenAddr { address, .. } => {
            println!("listening {address}/p2p/{}", swarm.local_peer_id());
        }
        ConnectionEstablished { peer_id, .. } => println!("connected {peer_id}"),
        IncomingConnectionError { error, .. } => println!("refused {error}"),
        Behaviour(BehaviourEvent::Identify(identify::Event::Received { info, .. })) => {
            println!("knows {}", knowledge(&info));
        }
        _ => {}
    }
}

/// What identify said, each list in the order of its texts.
pub fn knowledge(info: &identify::Info) -> String {
    let recorded = info.signed_peer_record.clone().and_then(|record| PeerRecord::from_signed_envelope(record).ok());
    format!(
        "protocols={} addresses={} record={}",
        joined(&info.protocols),
        joined(&info.listen_addrs),
        joined(recorded.as_ref().map_or(&[], PeerRecord::addresses)),
    )
}

fn joined<T: ToString>(list: &[T]) -> String {
    let mut texts: Vec<String> = list.iter().map(ToString::to_string).collect();
    texts.sort();
    texts.join(",")
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
