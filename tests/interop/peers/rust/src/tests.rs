// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The dialling side: connects to one peer and runs each test against it.

use std::error::Error;
use std::time::Duration;

use futures::future::try_join_all;
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::args::Options;
use crate::echo::echo;
use crate::node::{Behaviour, BehaviourEvent, PERF, knowledge, send_zeros, swarm};

/// Bounds every test, so that a silent peer is a failure and not a hang.
pub const PATIENCE: Duration = Duration::from_secs(120);

type Outcome = Result<String, Box<dyn Error>>;

/// What the swarm has seen so far.
#[derive(Clone, Default)]
struct Seen {
    connected: bool,
    identify: Option<String>,
    pings: u64,
    rtt: Duration,
    wrong_peer: bool,
    errors: Vec<String>,
}

struct Tester {
    target: PeerId,
    address: Multiaddr,
    seen: watch::Receiver<Seen>,
    dials: mpsc::UnboundedSender<DialOpts>,
    control: libp2p_stream::Control,
}

pub async fn dial(options: &Options, address: Multiaddr, names: &[String]) -> Result<(), Box<dyn Error>> {
    let Some(Protocol::P2p(target)) = address.iter().last() else {
        return Err(format!("{address}: wants /p2p/ and a peer id at the end").into());
    };
    let swarm = swarm(options, false)?;
    let control = swarm.behaviour().stream.new_control();
    let (sender, seen) = watch::channel(Seen::default());
    let (dials, wanted) = mpsc::unbounded_channel();
    tokio::spawn(drive(swarm, wanted, sender));
    let mut tester = Tester { target, address, seen, dials, control };
    let mut failed = 0;
    for name in names {
        let done = match timeout(PATIENCE, tester.run(name)).await {
            Ok(done) => done,
            Err(_) => Err("timed out".into()),
        };
        match done {
            Ok(said) => println!("ok {name} {said}"),
            Err(why) => {
                failed += 1;
                println!("failed {name}: {why}");
            }
        }
    }
    if failed > 0 {
        return Err(format!("{failed} of {} tests failed", names.len()).into());
    }
    Ok(())
}

/// Runs the swarm and writes down what happens.
async fn drive(
    mut swarm: Swarm<Behaviour>,
    mut wanted: mpsc::UnboundedReceiver<DialOpts>,
    seen: watch::Sender<Seen>,
) {
    loop {
        tokio::select! {
            event = swarm.select_next_some() => seen.send_modify(|seen| note(seen, event)),
            Some(options) = wanted.recv() => if let Err(why) = swarm.dial(options) {
                seen.send_modify(|seen| seen.errors.push(why.to_string()));
            },
        }
    }
}

fn note(seen: &mut Seen, event: SwarmEvent<BehaviourEvent>) {
    match event {
        SwarmEvent::ConnectionEstablished { .. } => seen.connected = true,
        SwarmEvent::ConnectionClosed { .. } => seen.connected = false,
        SwarmEvent::OutgoingConnectionError { error, .. } => {
            seen.wrong_peer |= matches!(error, DialError::WrongPeerId { .. });
            seen.errors.push(error.to_string());
        }
        SwarmEvent::Behaviour(BehaviourEvent::Identify(
            libp2p::identify::Event::Received { info, .. },
        )) => {
            let told = knowledge(&info);
            seen.identify = Some(format!("{told} observed={} agent={}", info.observed_addr, info.agent_version));
        }
        SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => match event.result {
            Ok(rtt) => {
                seen.pings += 1;
                seen.rtt = rtt;
            }
            Err(why) => seen.errors.push(why.to_string()),
        },
        _ => {}
    }
}

impl Tester {
    /// Runs NAME or NAME=COUNT; what it returns is printed after `ok`.
    async fn run(&mut self, test: &str) -> Outcome {
        let (name, number) = test.split_once('=').unwrap_or((test, "1"));
        let count: u64 = number.parse()?;
        if name == "wrong-peer" {
            return self.wrong_peer().await;
        }
        self.connect().await?;
        match name {
            "connect" => Ok(String::new()),
            "identify" => self.wait(|seen| seen.identify.clone()).await,
            "ping" => self.pings(count).await,
            "upload" => self.perf(count, 0).await,
            "download" => self.perf(0, count).await,
            "half-close" => self.perf(1000, 2000).await,
            "reset" => self.reset().await,
            "streams" => {
                try_join_all((0..count).map(|_| self.perf(100, 200))).await?;
                Ok(format!("count={count}"))
            }
            "echo" => echo(&self.control, self.target, count).await,
            _ => Err("no such test".into()),
        }
    }

    async fn connect(&mut self) -> Result<(), Box<dyn Error>> {
        if !self.seen.borrow().connected {
            let options = DialOpts::peer_id(self.target)
                .addresses(vec![self.address.clone()])
                .condition(PeerCondition::DisconnectedAndNotDialing);
            self.dials.send(options.build())?;
        }
        self.wait(|seen| seen.connected.then(String::new)).await.map(drop)
    }

    /// Waits until FOUND finds something in what was seen, or an error was.
    async fn wait(&mut self, found: impl Fn(&Seen) -> Option<String>) -> Outcome {
        let seen = self
            .seen
            .wait_for(|seen| found(seen).is_some() || !seen.errors.is_empty())
            .await?;
        found(&seen).ok_or_else(|| seen.errors.join("; ").into())
    }

    /// The node pings by itself.
    async fn pings(&mut self, count: u64) -> Outcome {
        let enough = self.seen.borrow().pings + count;
        self.wait(|seen| (seen.pings >= enough).then(|| format!("rtt={:?}", seen.rtt))).await
    }

    /// Sends UP bytes, closes its half, and must be sent exactly DOWN bytes and an end.
    async fn perf(&self, up: u64, down: u64) -> Outcome {
        let mut stream = self.control.clone().open_stream(self.target, PERF).await?;
        stream.write_all(&down.to_be_bytes()).await?;
        send_zeros(&mut stream, up).await?;
        stream.close().await?;
        let got = futures::io::copy(&mut stream, &mut futures::io::sink()).await?;
        if got != down {
            return Err(format!("asked for {down} bytes, got {got}").into());
        }
        Ok(format!("sent={up} received={down}"))
    }

    /// Breaks a stream in the middle; the connection must not notice.
    async fn reset(&self) -> Outcome {
        let mut stream = self.control.clone().open_stream(self.target, PERF).await?;
        stream.write_all(&(1u64 << 40).to_be_bytes()).await?;
        stream.close().await?;
        let mut some = [0; 1000];
        stream.read_exact(&mut some).await?;
        drop(stream);
        self.perf(1, 1).await?;
        if !self.seen.borrow().connected {
            return Err("the connection did not outlive the reset".into());
        }
        Ok("the connection goes on".into())
    }

    /// Dials the right address for another identity; that must fail.
    async fn wrong_peer(&mut self) -> Outcome {
        let mut address = self.address.clone();
        address.pop();
        let options = DialOpts::peer_id(PeerId::random()).addresses(vec![address]);
        self.dials.send(options.build())?;
        let seen = self.seen.wait_for(|seen| !seen.errors.is_empty()).await?;
        if !seen.wrong_peer {
            return Err(format!("refused for another reason: {}", seen.errors.join("; ")).into());
        }
        Ok("refused".into())
    }
}
