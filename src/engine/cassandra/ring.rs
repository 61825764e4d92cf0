//! The ring as one node sees it (`nodetool status`).

use crate::engine::answer::one_line;

/// The members of the ring, in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ring {
    /// The members.
    pub(super) nodes: Vec<Node>,
}

/// A member of the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Whether it is up, as the one who was asked sees it.
    pub(super) life: Life,
    /// What it does.
    pub(super) phase: Phase,
    /// Its address.
    pub(super) address: String,
    /// The data on it, as it told the others up to a minute ago ("26.55 MiB").
    pub(super) load: Option<String>,
    /// Its share of the data ("67.4%").
    pub(super) owns: Option<String>,
    /// Its identity, which moves with its volume.
    pub(super) host_id: String,
    /// Its data center.
    pub(super) datacenter: String,
}

/// Whether a member is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// `U`
    Up,
    /// `D`
    Down,
    /// `?`
    Unknown,
}

/// What a member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// `N`
    Normal,
    /// `L`
    Leaving,
    /// `J`
    Joining,
    /// `M`
    Moving,
}

impl Life {
    fn letter(self) -> char {
        match self {
            Self::Up => 'U',
            Self::Down => 'D',
            Self::Unknown => '?',
        }
    }
}

impl Phase {
    fn letter(self) -> char {
        match self {
            Self::Normal => 'N',
            Self::Leaving => 'L',
            Self::Joining => 'J',
            Self::Moving => 'M',
        }
    }
}

/// Writes a state as nodetool does: `UN`.
pub(super) fn state(life: Life, phase: Phase) -> String {
    format!("{}{}", life.letter(), phase.letter())
}

impl Ring {
    /// Reads the ring; one line that is not understood makes all of it unknown.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (mut nodes, mut datacenter, mut in_table) = (Vec::new(), String::new(), false);
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let Some(name) = line.strip_prefix("Datacenter: ") {
                (datacenter, in_table) = (one_line(name), false);
            } else if words.first() == Some(&"--") {
                in_table = true;
            } else if words.is_empty() {
                in_table = false;
            } else if in_table {
                let node = node(&words, &datacenter);
                nodes.push(node.ok_or_else(|| format!("answer not understood: {}", one_line(line)))?);
            }
        }
        if nodes.is_empty() { Err("answer not understood: no ring".to_owned()) } else { Ok(Self { nodes }) }
    }

    /// Finds a member by its identity.
    pub(super) fn node(&self, host_id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.host_id == host_id)
    }
}

/// Reads a row. Which columns it has depends on the ring: with one token each there is no number of tokens.
fn node(words: &[&str], datacenter: &str) -> Option<Node> {
    let [state, address, rest @ ..] = words else { return None };
    let mut letters = state.chars();
    let life = match letters.next()? {
        'U' => Life::Up,
        'D' => Life::Down,
        '?' => Life::Unknown,
        _ => return None,
    };
    let phase = match letters.next()? {
        'N' => Phase::Normal,
        'L' => Phase::Leaving,
        'J' => Phase::Joining,
        'M' => Phase::Moving,
        _ => return None,
    };
    let host_id = rest.iter().find(|word| is_host_id(word))?;
    let load = match rest {
        ["?", ..] => None,
        [number, unit, ..] => Some(format!("{number} {unit}")),
        _ => return None,
    };
    let owns = rest.iter().find(|word| word.ends_with('%')).map(|word| (*word).to_owned());
    letters.next().is_none().then(|| Node {
        life,
        phase,
        address: (*address).to_owned(),
        load,
        owns,
        host_id: (*host_id).to_owned(),
        datacenter: datacenter.to_owned(),
    })
}

/// Tells whether a word is an identity: 36 characters, hexadecimal in five groups.
pub(super) fn is_host_id(word: &str) -> bool {
    let groups: Vec<usize> = word.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && word.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit())
}
