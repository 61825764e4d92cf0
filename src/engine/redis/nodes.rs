//! `CLUSTER NODES`: the nodes of a Redis Cluster as one of them sees them.

use crate::engine::answer::one_line;

/// How many slots the keys of a cluster are spread over.
pub(super) const SLOTS: u32 = 16384;

/// The nodes as one of them sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nodes {
    /// The node that was asked.
    pub(super) own: Node,
    /// The others. Those that are only being met, and have no name yet, are left out.
    pub(super) others: Vec<Node>,
    /// How many are only being met.
    pub(super) met: usize,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Its name, forty digits.
    pub(super) id: String,
    /// Its host: an address, mostly.
    pub(super) host: String,
    /// Its port.
    pub(super) port: String,
    /// The id of the master that it follows; `None` on a master.
    pub(super) master: Option<String>,
    /// Whether it is seen to fail, by the one that was asked or by most.
    pub(super) fails: bool,
    /// How many slots it serves.
    pub(super) slots: u32,
    /// How many slots are on their way to or from it; only the node itself tells.
    pub(super) open_slots: usize,
}

impl Nodes {
    /// Reads the lines, each of them whole.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (mut own, mut others, mut met) = (None, Vec::new(), 0);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (node, flags) = Node::read(line).ok_or_else(|| one_line(line))?;
            if flags.contains(&"myself") {
                own = Some(node);
            } else if flags.contains(&"handshake") || flags.contains(&"noaddr") {
                met += 1;
            } else {
                others.push(node);
            }
        }
        let own = own.ok_or_else(|| "the node does not list itself".to_owned())?;
        Ok(Self { own, others, met })
    }

    /// Gives all of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.own).chain(&self.others)
    }

    /// Finds a node.
    pub(super) fn node(&self, id: &str) -> Option<&Node> {
        self.all().find(|node| node.id == id)
    }

    /// Tells whether the node that was asked is alone: it was never taken in, or it has left.
    pub(super) fn is_alone(&self) -> bool {
        self.others.is_empty() && self.own.slots < SLOTS
    }
}

impl Node {
    fn read(line: &str) -> Option<(Self, Vec<&str>)> {
        let mut words = line.split_whitespace();
        let (id, address, flags, master) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let rest: Vec<&str> = words.skip(3).collect();
        let (state, slots) = rest.split_first()?;
        let flags: Vec<&str> = flags.split(',').collect();
        // Host and port, then the bus behind @, then a name behind a comma.
        let (host, port) = address.split('@').next()?.rsplit_once(':')?;
        let is_master = flags.contains(&"master");
        let follows = flags.iter().any(|flag| matches!(*flag, "slave" | "replica"));
        (is_master || follows || flags.contains(&"noflags") || flags.contains(&"handshake")).then_some(())?;
        (id.len() == ID_LENGTH && matches!(*state, "connected" | "disconnected")).then_some(())?;
        let (open, served): (Vec<&str>, Vec<&str>) = slots.iter().partition(|slot| slot.starts_with('['));
        let node = Self {
            id: id.to_owned(),
            host: host.to_owned(),
            port: port.to_owned(),
            master: Some(master.to_owned()).filter(|_| follows),
            fails: flags.iter().any(|flag| matches!(*flag, "fail" | "fail?")),
            slots: served.iter().map(|range| count(range)).sum::<Option<u32>>()?,
            open_slots: open.len(),
        };
        Some((node, flags))
    }
}

/// The length of a node's name.
const ID_LENGTH: usize = 40;

/// Counts the slots of a range: "0-5460", or "7".
fn count(range: &str) -> Option<u32> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    last.checked_sub(first)?.checked_add(1).filter(|count| *count <= SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: &str = "\
b151867aa9ab0b65dc0e896abe52cff672196632 10.0.0.2:6379@16379,rc-1.rc master - 0 1795200682063 2 connected 5461-10922
2c7f0e21282dd19bede8db990960c3cd5fea7f16 :6379@16379 myself,master - 0 1795200681000 1 connected 0-5459 5460 [7->-b1]
f044104a1057dbd2b486e7c6bb126ba3dedde746 fd00::7:6379@16379 slave,fail? b151867aa9ab0b65dc0e896abe52cff672196632 0 1 2 disconnected
678c08b7192866c5a10e724fdc33d6ca31967e49 10.0.0.9:6379@16379 handshake - 1 0 0 disconnected
";

    #[test]
    fn nodes_are_read_with_their_slots_and_masters() {
        let nodes = Nodes::read(HEALTHY).unwrap();
        assert_eq!((nodes.own.slots, nodes.own.open_slots, nodes.met), (5461, 1, 1));
        let [master, replica] = nodes.others.as_slice() else { panic!("{nodes:?}") };
        assert_eq!((master.host.as_str(), master.port.as_str(), master.slots), ("10.0.0.2", "6379", 5462));
        assert_eq!(
            (replica.host.as_str(), replica.master.as_ref(), replica.fails),
            ("fd00::7", Some(&master.id), true)
        );
        assert!(!nodes.is_alone());
    }

    #[test]
    fn what_is_no_list_of_nodes_is_none() {
        for text in ["", "ERR This instance has cluster support disabled", "{}", &HEALTHY[..60]] {
            assert!(Nodes::read(text).is_err(), "{text}");
        }
    }
}
