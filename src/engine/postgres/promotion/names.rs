//! What the members are called: among each other, as slots, and in the rule that commits wait by.

use super::Cast;
use crate::engine::Asked;
use crate::engine::postgres::server::Server;
use crate::engine::postgres::topology::Subject;

/// Finds what a standby calls itself, as its primary lists it; `None` for one without a name of its own.
pub(super) fn called(asked: &Asked<'_>, primary: &Server, pod: &str) -> Option<String> {
    let pod = asked.pods.iter().find(|one| one.meta.name == pod)?;
    let subject = Subject { pod, alias: None, server: Err(String::new()) };
    let row = primary.standbys.iter().find(|row| {
        row.application_name.as_deref().is_some_and(|name| subject.is_called(name))
            || row.client_addr.as_deref().is_some_and(|address| subject.is_at(address))
    })?;
    row.application_name.clone().filter(|name| !name.is_empty() && name != "walreceiver")
}

impl Cast<'_> {
    /// Says what the old primary is to call itself as a standby: in the style of the candidate's own name.
    pub(super) fn name_of_old(&self) -> String {
        let (old, new) = (&self.from.pod.name, &self.promoting.candidate.pod.name);
        match &self.called {
            Some(called) if *called == new.replace('-', "_") => old.replace('-', "_"),
            Some(_) | None => old.clone(),
        }
    }

    /// Names the slot that keeps log for the old primary; `None` where standbys are kept without slots.
    pub(super) fn slot_of_old(&self) -> Option<String> {
        let uses = |server: &Server| server.slot().is_some();
        let any = uses(&self.candidate) || self.siblings.iter().any(|(_, server)| uses(server));
        any.then(|| self.from.pod.name.replace('-', "_"))
    }

    /// Names the slots that the candidate needs and has not yet.
    pub(super) fn missing_slots(&self) -> Vec<String> {
        let siblings = self.siblings.iter().filter_map(|(_, server)| server.slot().map(str::to_owned));
        let wanted = self.slot_of_old().into_iter().chain(siblings);
        wanted.filter(|name| !self.candidate.slots.iter().any(|slot| slot.slot_name == *name)).collect()
    }

    /// Names the slots that the old primary keeps for members, and would keep for ever.
    pub(super) fn leftover_slots(&self) -> Vec<String> {
        let own = self.candidate.slot().into_iter().chain(self.siblings.iter().filter_map(|(_, server)| server.slot()));
        let there = |name: &&str| self.primary.slots.iter().any(|slot| slot.slot_name == **name);
        own.filter(there).map(str::to_owned).collect()
    }

    /// Gives the host under which members find the candidate: in the style in which it finds its primary, so that
    /// certificates fit.
    pub(super) fn host(&self) -> Option<String> {
        let (old, new) = (&self.from.pod.name, &self.promoting.candidate.pod.name);
        let upstream = self.candidate.wal_receiver.as_ref().and_then(|receiver| receiver.sender_host.as_deref());
        let styled = upstream.and_then(|host| host.strip_prefix(old.as_str())).filter(|rest| rest.starts_with('.'));
        styled.map(|rest| format!("{new}{rest}")).or_else(|| self.promoting.candidate.host.clone())
    }

    /// Writes the rule that commits wait by for the new roles: the old primary stands where the candidate stood. `None`
    /// where the candidate has that rule already.
    pub(super) fn rule(&self) -> Option<String> {
        let rule = self.primary.settings.synchronous_standby_names.as_deref()?.trim();
        let new = match &self.called {
            Some(called) => swap(rule, called, &self.name_of_old()),
            None => rule.to_owned(),
        };
        let own = self.candidate.settings.synchronous_standby_names.as_deref().unwrap_or_default().trim();
        (own != new).then_some(new)
    }
}

/// Puts one name of a rule in the place of another.
fn swap(rule: &str, from: &str, to: &str) -> String {
    let plain = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    let written = if plain(to) { to.to_owned() } else { format!("\"{}\"", to.replace('"', "\"\"")) };
    let mut out = String::new();
    let mut rest = rule;
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' {
            rest[1..].find('"').map_or(rest.len(), |end| end + 2)
        } else if first.is_ascii_alphanumeric() || first == '_' {
            rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        let is_it = word == from || word.eq_ignore_ascii_case(from) || word.trim_matches('"') == from;
        out.push_str(if is_it { &written } else { word });
        rest = after;
    }
    out
}

/// Lists the names in a rule; `*` stands for everybody.
pub(super) fn names(rule: &str) -> Vec<String> {
    let list = match rule.split_once('(') {
        Some((_, rest)) => rest.trim_end().trim_end_matches(')'),
        None => rule,
    };
    list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_primary_takes_the_candidates_place_in_a_rule() {
        for (rule, from, to, new) in [
            ("ANY 1 (db_1, db_2)", "db_1", "db_0", "ANY 1 (db_0, db_2)"),
            ("db_1,db_2", "db_1", "db_0", "db_0,db_2"),
            ("FIRST 1 (\"db-1\", \"db-10\")", "db-1", "db-0", "FIRST 1 (\"db-0\", \"db-10\")"),
            ("*", "db_1", "db_0", "*"),
            ("2 (db_1, db_11)", "db_1", "db-0", "2 (\"db-0\", db_11)"),
            ("DB_1", "db_1", "db_0", "db_0"),
            ("", "db_1", "db_0", ""),
        ] {
            assert_eq!(swap(rule, from, to), new, "{rule}");
        }
    }

    #[test]
    fn names_of_a_rule_are_listed() {
        assert_eq!(names("ANY 1 (db_1, \"db-2\")"), ["db_1", "db-2"]);
        assert_eq!(names("a, b"), ["a", "b"]);
        assert_eq!(names("*"), ["*"]);
        assert_eq!(names(""), [""; 0]);
    }
}
