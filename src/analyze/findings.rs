//! Gathers the findings of one workload, so that nothing is said twice.

use std::collections::{BTreeMap, HashSet};

use super::phrase;
use crate::model::{Code, Finding, Severity};

/// The kinds of objects that findings are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Set,
    Pod,
    Claim,
    Volume,
    Service,
    Budget,
    Autoscaler,
}

impl Kind {
    /// Gives the resource's name as kubectl takes it before a slash.
    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::Set => "statefulset",
            Self::Pod => "pod",
            Self::Claim => "persistentvolumeclaim",
            Self::Volume => "persistentvolume",
            Self::Service => "service",
            Self::Budget => "poddisruptionbudget",
            Self::Autoscaler => "horizontalpodautoscaler",
        }
    }

    /// Gives the word that stands before the object's name in a sentence.
    fn noun(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Pod => "pod",
            Self::Claim => "claim",
            Self::Volume => "volume",
            Self::Service => "Service",
            Self::Budget => "budget",
            Self::Autoscaler => "autoscaler",
        }
    }
}

/// One thing to say about one object; equal things about several objects become one finding.
#[derive(Clone, Debug)]
pub(super) struct Remark {
    pub(super) severity: Severity,
    pub(super) code: Code,
    pub(super) kind: Kind,
    /// The object's name.
    pub(super) name: String,
    /// What helps to know it ("data-db-0" for a volume with a generated name).
    pub(super) aside: Option<String>,
    /// What follows the name, beginning with a verb that [`phrase::agree`] can put into the plural.
    pub(super) predicate: String,
    pub(super) why: String,
    pub(super) next: Option<String>,
}

impl Remark {
    /// Begins a remark; `why` and `next` are added where there is something to add.
    pub(super) fn new(
        severity: Severity,
        code: Code,
        kind: Kind,
        name: impl Into<String>,
        predicate: impl Into<String>,
    ) -> Self {
        let (name, predicate) = (name.into(), predicate.into());
        Self { severity, code, kind, name, aside: None, predicate, why: String::new(), next: None }
    }

    /// Adds what helps to know the object.
    pub(super) fn aside(mut self, aside: impl Into<String>) -> Self {
        self.aside = Some(aside.into());
        self
    }

    /// Adds why it matters.
    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// Adds the next command.
    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    fn shown(&self) -> String {
        match &self.aside {
            Some(aside) => format!("{} ({aside})", self.name),
            None => self.name.clone(),
        }
    }
}

/// What two remarks must share to become one finding.
type Sentence = (Severity, Code, Kind, String, String);

/// Gathers remarks and gives them out as findings.
#[derive(Default)]
pub(super) struct Findings {
    groups: Vec<(Remark, Vec<String>)>,
    places: BTreeMap<Sentence, usize>,
    ready: Vec<Finding>,
}

impl Findings {
    /// Takes one remark; when the same was said of another object, that finding grows by this object.
    pub(super) fn say(&mut self, remark: Remark) {
        let key = (remark.severity, remark.code, remark.kind, remark.predicate.clone(), remark.why.clone());
        let shown = remark.shown();
        if let Some(place) = self.places.get(&key) {
            let names = &mut self.groups[*place].1;
            if !names.contains(&shown) {
                names.push(shown);
            }
            return;
        }
        self.places.insert(key, self.groups.len());
        self.groups.push((remark, vec![shown]));
    }

    /// Takes a remark, if there is one.
    pub(super) fn say_some(&mut self, remark: Option<Remark>) {
        if let Some(remark) = remark {
            self.say(remark);
        }
    }

    /// Takes a finding whose words somebody else has chosen.
    pub(super) fn add(&mut self, finding: Finding) {
        self.ready.push(finding);
    }

    /// Gives everything out, worst first, then by code and subject.
    pub(super) fn finish(self) -> Vec<Finding> {
        let grouped = self.groups.into_iter().map(|(remark, names)| Finding {
            severity: remark.severity,
            code: remark.code,
            subject: format!("{}/{}", remark.kind.resource(), remark.name),
            message: sentence(remark.kind, &names, &remark.predicate),
            why: remark.why,
            next: remark.next,
        });
        let mut findings: Vec<Finding> = grouped.chain(self.ready).collect();
        let order = |finding: &Finding| (finding.severity, finding.code);
        findings.sort_by(|a, b| {
            order(a).cmp(&order(b)).then_with(|| phrase::natural(&a.subject).cmp(&phrase::natural(&b.subject)))
        });
        for finding in &mut findings {
            finding.next = finding.next.take().filter(|command| is_harmless(command));
        }
        let mut said = HashSet::new();
        findings.retain(|finding| said.insert((finding.code, finding.subject.clone(), finding.message.clone())));
        findings
    }
}

/// Tells whether a shell would run a command as the one that it looks like. Names come from objects, and the objects
/// perhaps from a file that somebody else wrote: what a person is asked to type must not hide a second command.
fn is_harmless(command: &str) -> bool {
    !command.chars().any(|letter| "$`;|&<>()\\!*?~#".contains(letter) || letter.is_control())
}

fn sentence(kind: Kind, names: &[String], predicate: &str) -> String {
    let noun = kind.noun();
    let ending = if names.len() == 1 { "" } else { "s" };
    format!("{noun}{ending} {} {}", phrase::names(names), phrase::agree(names.len(), predicate))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(severity: Severity, name: &str, predicate: &str) -> Remark {
        Remark::new(severity, Code::PodPending, Kind::Pod, name, predicate)
    }

    #[test]
    fn the_same_sentence_about_several_objects_is_said_once() {
        let mut findings = Findings::default();
        findings.say(remark(Severity::Warning, "db-2", "is pending"));
        findings.say(remark(Severity::Warning, "db-1", "is pending"));
        findings.say(remark(Severity::Warning, "db-1", "is pending"));
        let findings = findings.finish();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].message, "pods db-1 and db-2 are pending");
        assert_eq!(findings[0].subject, "pod/db-2");
    }

    #[test]
    fn a_command_that_hides_another_is_not_offered() {
        let mut findings = Findings::default();
        for (name, next) in [("a", "kubectl delete pod a -n x"), ("b", "kubectl delete pod $(reboot) -n x")] {
            findings.say(remark(Severity::Warning, name, &format!("is {name}")).next(next));
        }
        let next: Vec<_> = findings.finish().into_iter().map(|finding| finding.next).collect();
        assert_eq!(next, [Some("kubectl delete pod a -n x".to_owned()), None]);
    }

    #[test]
    fn the_worst_stands_first_and_ordinals_count_as_numbers() {
        let mut findings = Findings::default();
        findings.say(remark(Severity::Note, "db-0", "is a"));
        findings.say(remark(Severity::Warning, "db-10", "is b"));
        findings.say(remark(Severity::Warning, "db-9", "is c"));
        findings.say(remark(Severity::Critical, "db-3", "is d"));
        let subjects: Vec<_> = findings.finish().into_iter().map(|finding| finding.subject).collect();
        assert_eq!(subjects, ["pod/db-3", "pod/db-9", "pod/db-10", "pod/db-0"]);
    }
}
