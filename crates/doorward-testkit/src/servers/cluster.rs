//! A Redis Cluster: nodes that share the slots among them.

use super::redis::{KEEPER, RedisOptions, RedisServer};
use super::wait;

const SLOTS: usize = 16_384;

/// A running cluster of primaries, each with its part of the slots and, where asked for, with a replica.
pub struct RedisCluster {
    /// The primaries, then their replicas in the same order.
    nodes: Vec<RedisServer>,
    primaries: usize,
}

impl RedisCluster {
    /// Starts `primaries` nodes and waits until each says that all slots are served.
    ///
    /// # Panics
    /// If they do not, within [`START_LIMIT`](super::START_LIMIT) each.
    pub async fn start(primaries: usize) -> Self {
        Self::start_with(primaries, RedisOptions::default()).await
    }

    /// The same, each node as `options` say.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn start_with(primaries: usize, options: RedisOptions) -> Self {
        Self::of(primaries, primaries, options).await
    }

    /// The same with a replica for each primary, which takes its place some seconds after it was killed; the replica of the
    /// node at `index` is that at `index + primaries`.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn start_with_replicas(primaries: usize) -> Self {
        let cluster = Self::of(2 * primaries, primaries, RedisOptions::default()).await;
        for index in primaries..2 * primaries {
            cluster.follow(index, index - primaries).await;
        }
        cluster.settled().await;
        cluster
    }

    async fn of(nodes: usize, primaries: usize, options: RedisOptions) -> Self {
        let options = RedisOptions {
            cluster: true,
            ..options
        };
        let starts = (0..nodes).map(|_| RedisServer::start(options.clone()));
        let nodes = futures_util::future::join_all(starts).await;
        let cluster = Self { nodes, primaries };
        cluster
            .join()
            .await
            .unwrap_or_else(|text| panic!("expected a cluster to form, found: {text}"));
        cluster.settled().await;
        cluster
    }

    /// Makes one node the replica of another, and waits until it has its data.
    async fn follow(&self, replica: usize, primary: usize) {
        let (node, primary) = (&self.nodes[replica], self.id(primary).await);
        let followed = node.command(&["CLUSTER", "REPLICATE", &primary]).await;
        followed.expect("a node that takes a primary");
        let copied = wait::until("a replica with its primary's data", || async {
            let role = node.command(&["ROLE"]).await?;
            let has_all = role.lines().nth(3) == Some("connected");
            if has_all { Ok(()) } else { Err(format!("{role:?}")) }
        });
        copied
            .await
            .unwrap_or_else(|text| panic!("{text}; it printed:\n{}", node.output()));
    }

    /// The nodes; each can be commanded, frozen, killed and started again by itself.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Where a client finds each node.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// The slot of a key.
    ///
    /// # Panics
    /// If the first node does not answer.
    pub async fn slot_of(&self, key: &str) -> u16 {
        let slot = self.nodes[0].command(&["CLUSTER", "KEYSLOT", key]).await;
        slot.expect("a node that answers").parse().expect("a slot's number")
    }

    /// The index of the node that serves a slot, as the nodes agree.
    ///
    /// # Panics
    /// If a node does not answer, or none has the slot.
    pub async fn owner_of(&self, slot: u16) -> usize {
        for (index, node) in self.nodes.iter().enumerate() {
            let slots = node.command(&["CLUSTER", "SLOTS"]).await.expect("a node that answers");
            let port = node.port().to_string();
            // The lines of one range: first slot, last slot, host, port, the node's ID and whatever is known beside.
            let lines: Vec<&str> = slots.lines().collect();
            let owns = lines.windows(4).any(|range| {
                let inside = range[0].parse().is_ok_and(|first: u16| first <= slot)
                    && range[1].parse().is_ok_and(|last: u16| slot <= last);
                inside && range[2] == "127.0.0.1" && range[3] == port
            });
            if owns {
                return index;
            }
        }
        panic!("expected a node with slot {slot}, found none");
    }

    /// Begins to move a slot: its old node sends on with ASK whoever wants a key it has not, and the new one takes
    /// those who say so.
    ///
    /// # Panics
    /// If a node refuses.
    pub async fn begin_move(&self, slot: u16, to: usize) {
        let from = self.owner_of(slot).await;
        let slot = slot.to_string();
        let (source, target) = (self.id(from).await, self.id(to).await);
        let importing = self.nodes[to]
            .command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source])
            .await;
        importing.expect("a node that takes a slot");
        let migrating = self.nodes[from]
            .command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target])
            .await;
        migrating.expect("a node that gives a slot");
    }

    /// Moves the keys of a slot whose move has begun; the old node answers ASK for each of them from now on.
    ///
    /// # Panics
    /// If a node refuses.
    pub async fn move_keys(&self, slot: u16, to: usize) {
        let from = &self.nodes[self.owner_of(slot).await];
        let (slot, port) = (slot.to_string(), self.nodes[to].port().to_string());
        let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "10000"]).await;
        let keys = keys.expect("the keys of a slot");
        if keys.is_empty() {
            return;
        }
        let (user, password) = KEEPER;
        let mut words = vec![
            "MIGRATE",
            "127.0.0.1",
            &port,
            "",
            "0",
            "5000",
            "AUTH2",
            user,
            password,
            "KEYS",
        ];
        words.extend(keys.lines());
        from.command(&words).await.expect("keys that move");
    }

    /// Moves a slot whole: its old node answers MOVED from now on.
    ///
    /// # Panics
    /// If a node refuses, or they do not agree within [`START_LIMIT`](super::START_LIMIT).
    pub async fn move_slot(&self, slot: u16, to: usize) {
        let from = self.owner_of(slot).await;
        if from == to {
            return;
        }
        self.begin_move(slot, to).await;
        self.finish_move(slot, to).await;
    }

    /// Ends what [`begin_move`](Self::begin_move) began, keys included.
    ///
    /// # Panics
    /// As [`move_slot`](Self::move_slot).
    pub async fn finish_move(&self, slot: u16, to: usize) {
        self.move_keys(slot, to).await;
        let from = self.owner_of(slot).await;
        let (number, target) = (slot.to_string(), self.id(to).await);
        let others = (0..self.nodes.len()).filter(|index| *index != to && *index != from);
        for index in [to, from].into_iter().chain(others) {
            let moved = self.nodes[index]
                .command(&["CLUSTER", "SETSLOT", &number, "NODE", &target])
                .await;
            moved.expect("a node that hears of a moved slot");
        }
        self.settled().await;
    }

    /// Waits until every node says that all slots are served and all nodes are known.
    ///
    /// # Panics
    /// If they do not, within [`START_LIMIT`](super::START_LIMIT) each.
    pub async fn settled(&self) {
        let wanted = [
            "cluster_state:ok".to_owned(),
            format!("cluster_slots_ok:{SLOTS}"),
            format!("cluster_known_nodes:{}", self.nodes.len()),
        ];
        for node in &self.nodes {
            let settled = wait::until("a node that is content with its cluster", || async {
                let state = node.command(&["CLUSTER", "INFO"]).await?;
                let missing = wanted.iter().find(|wanted| !state.lines().any(|line| line == *wanted));
                missing.map_or(Ok(()), |missing| Err(format!("no {missing} in {state:?}")))
            });
            settled
                .await
                .unwrap_or_else(|text| panic!("{text}; it printed:\n{}", node.output()));
        }
    }

    async fn join(&self) -> Result<(), String> {
        let count = self.primaries;
        for (index, node) in self.nodes.iter().enumerate() {
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])
                .await?;
            if index >= count {
                continue;
            }
            let first = (SLOTS * index / count).to_string();
            let last = (SLOTS * (index + 1) / count - 1).to_string();
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await?;
        }
        let (first, others) = self.nodes.split_first().ok_or("no node")?;
        for node in others {
            let (port, bus_port) = (node.port().to_string(), node.bus_port().to_string());
            first
                .command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port])
                .await?;
        }
        Ok(())
    }

    async fn id(&self, index: usize) -> String {
        self.nodes[index]
            .command(&["CLUSTER", "MYID"])
            .await
            .expect("a node that answers")
    }
}
