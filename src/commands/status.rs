//! `status`: what is there, what is wrong, what may be touched.

use std::time::Duration;

use clap::ValueEnum;

use super::Context;
use super::asking::AskArgs;
use super::target::parse_names;
use crate::analyze::report::Report;
use crate::analyze::{Analysis, Criteria, DEFAULT_MAX_LAG_BYTES};
use crate::archive;
use crate::cluster::{Cluster, Scope};
use crate::collect::{Collected, Keep, Wanted, ask_members, no_such_set, read_cluster};
use crate::failure::{Failure, FailureKind};
use crate::model::{Gap, Resource, Severity, Snapshot};
use crate::ui::Written;
use crate::view::list::{self, Line, Namespaces};
use crate::view::{Layout, Screen, Width, json, status};

/// How long to wait between two looks of `--watch`.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// How long a round of `--watch` may stay silent before the screen says that it is old.
const WATCH_PATIENCE: Duration = Duration::from_secs(5);

/// What `status` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl stateful status                    every StatefulSet of the namespace, a line each
  kubectl stateful status db -n shop         one StatefulSet, a row for every ordinal
  kubectl stateful status -A --check         exit code 8 if anything is wrong anywhere
  kubectl stateful status db --from dump.json")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Args {
    /// StatefulSets to show in full: NAME, sts/NAME or statefulset/NAME
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only StatefulSets with these labels (a=b,c!=d)
    #[arg(long, short = 'l', value_name = "SELECTOR", conflicts_with = "from")]
    selector: Option<String>,
    /// Read a file or directory instead of a cluster: a snapshot, or what kubectl printed with -o yaml|json; - is stdin
    #[arg(long, value_name = "FILE|DIR|-", value_hint = clap::ValueHint::AnyPath,
          value_parser = clap::builder::NonEmptyStringValueParser::new())]
    from: Option<String>,
    /// Output: more columns, or for programs
    #[arg(long, short, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
    /// Show it again and again until interrupted
    #[arg(long, short, conflicts_with = "from")]
    watch: bool,
    /// Ask the engines, and the kubelets for full volumes, even for a list of many
    #[arg(long, conflicts_with = "no_probe")]
    probe: bool,
    #[command(flatten)]
    ask: AskArgs,
    /// Lag above which a replica is a finding (16MiB, 500M)
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value_t = Size(DEFAULT_MAX_LAG_BYTES))]
    max_lag: Size,
    /// Exit with code 8 when there is a finding of warning or worse
    #[arg(long)]
    check: bool,
    /// Only the table's rows, without headers, head and findings
    #[arg(long)]
    no_headers: bool,
}

/// Formats of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// The table with every column
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Only names
    Name,
}

/// A size in bytes, shown as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", crate::view::quantity::bytes(self.0))
    }
}

/// Reads `16MiB`, `16Mi`, `500M` or plain bytes.
pub(super) fn parse_size(text: &str) -> Result<Size, String> {
    let text = text.strip_suffix('B').unwrap_or(text);
    crate::wire::parse_bytes(text).map(Size).ok_or_else(|| "write it as 16MiB, 500M or a number of bytes".to_owned())
}

/// Shows the status of what was asked for.
///
/// # Errors
/// When it cannot be read, a name does not exist, or `--check` found something.
pub async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let look = Look::new(args, context)?;
    if let Some(path) = &look.args.from {
        return look.offline(path);
    }
    let cluster = Cluster::connect(&context.connect).await?;
    if look.args.watch {
        return look.watch(&cluster).await;
    }
    let collected = look.collect(&cluster, Draft::OnTerminal).await?;
    look.show(&collected.snapshot, &collected.problems)
}

/// Whether what is known already is shown while members are still being asked.
#[derive(Clone, Copy)]
enum Draft {
    OnTerminal,
    Never,
}

/// One call of `status`: what was asked for and where it is shown.
struct Look<'a> {
    args: Args,
    names: Vec<crate::model::WorkloadName>,
    context: &'a Context,
}

impl<'a> Look<'a> {
    fn new(args: Args, context: &'a Context) -> Result<Self, Failure> {
        let names = parse_names(&args.names)?;
        if args.from.is_none() {
            context.place.check(&names)?;
        }
        Ok(Self { args, names, context })
    }

    async fn collect(&self, cluster: &Cluster, draft: Draft) -> Result<Collected, Failure> {
        let wanted = self.wanted(cluster);
        let progress = self.context.ui.progress("reading the cluster's objects");
        let say = |what: &str| progress.set(what);
        let mut collected = read_cluster(cluster, &wanted, Keep::Nothing, (self.context.now)(), &say).await?;
        let draft = match draft {
            Draft::OnTerminal => self.draft(&collected.snapshot)?,
            Draft::Never => None,
        };
        let ask = ask_members(cluster, &wanted, &mut collected.snapshot, &say);
        match draft {
            None => ask.await,
            Some(draft) => self.context.ui.meanwhile(&progress, &draft, ask).await?,
        }
        drop(progress);
        let traffic = cluster.traffic();
        self.context.ui.detail(&format!("{} requests, {} bytes of answers", traffic.requests, traffic.bytes));
        Ok(collected)
    }

    /// Makes the screen to look at while members are still being asked; `None` where nobody looks.
    fn draft(&self, snapshot: &Snapshot) -> Result<Option<String>, Failure> {
        let text = matches!(self.args.output, None | Some(Output::Wide));
        if !self.context.ui.is_terminal() || !text || self.names.is_empty() || self.args.no_headers {
            return Ok(None);
        }
        let mut so_far = snapshot.clone();
        for resource in [Resource::Usage, Resource::Probes] {
            so_far.gaps.push(Gap { resource, why: "being asked".to_owned(), asked: false });
        }
        Ok(Some(self.render(&so_far, &self.context.ui.screen())?.0))
    }

    fn wanted(&self, cluster: &Cluster) -> Wanted {
        let named = !self.names.is_empty();
        let many = (!named && !self.args.probe).then_some("not asked for many sets at once (--probe asks)");
        Wanted {
            scope: self.context.place.scope(cluster),
            names: self.names.clone(),
            labels: self.args.selector.clone(),
            probe: self.args.ask.probing(many),
            usage: named || self.args.probe,
            container: self.args.ask.of.container.clone(),
            engine: self.args.ask.of.engine.clone(),
        }
    }

    fn offline(&self, path: &str) -> Result<(), Failure> {
        let mut contents = archive::read(path, std::io::stdin().lock(), (self.context.now)())?;
        let scope = self.context.place.offline_scope();
        let sets = &mut contents.snapshot.workloads;
        sets.retain(|set| scope.covers(&set.meta.namespace));
        let there: Vec<String> = sets.iter().map(|set| set.meta.name.clone()).collect();
        if let Some(missing) = self.names.iter().find(|name| !there.contains(&name.0)) {
            return Err(Failure::new(FailureKind::Usage, no_such_set(missing, &scope, &there)));
        }
        sets.retain(|set| self.names.is_empty() || self.names.contains(&set.name()));
        self.show(&contents.snapshot, &contents.problems)
    }

    fn show(&self, snapshot: &Snapshot, problems: &[String]) -> Result<(), Failure> {
        for problem in problems {
            self.context.ui.warn(problem);
        }
        let (text, worst) = self.render(snapshot, &self.context.ui.screen())?;
        if text.is_empty() {
            self.context.ui.status(&self.nothing_found());
        }
        let (Written::All | Written::ReaderGone) = self.context.ui.print(&text)?;
        let found = worst.is_some_and(|worst| worst <= Severity::Warning);
        if self.args.check && found { Err(Failure::silent(FailureKind::Findings)) } else { Ok(()) }
    }

    fn nothing_found(&self) -> String {
        let with = self.args.selector.as_ref().map_or(String::new(), |labels| format!(" with labels {labels}"));
        match (self.context.place.asked(), self.context.place.all_namespaces) {
            (_, true) => format!("No StatefulSet{with} in any namespace."),
            (Some(name), false) => format!("No StatefulSet{with} in namespace {name}."),
            (None, false) => format!("No StatefulSet{with} in this namespace; -A looks in all of them."),
        }
    }

    /// Makes the text, and says how bad the worst finding is.
    fn render(&self, snapshot: &Snapshot, screen: &Screen) -> Result<(String, Option<Severity>), Failure> {
        let criteria = Criteria { max_lag_bytes: self.args.max_lag.0, engine: self.args.ask.of.engine.clone() };
        let analysis = Analysis::new(snapshot, &criteria);
        let reports = || snapshot.workloads.iter().map(|set| analysis.report(set));
        let wide = if self.args.output == Some(Output::Wide) { Width::Wide } else { Width::Default };
        let layout = Layout { width: wide, no_headers: self.args.no_headers };
        let unexpected = |error: json::Error| Failure::new(FailureKind::Unexpected, error.to_string());
        let worst_of = |reports: &[Report]| {
            reports.iter().flat_map(|report| &report.findings).map(|finding| finding.severity).min()
        };
        if self.names.is_empty() && matches!(self.args.output, None | Some(Output::Wide)) {
            let lines: Vec<Line> = reports().map(|report| Line::of(&report)).collect();
            let worst = lines.iter().filter_map(Line::worst).min();
            let namespaces = if self.spans_namespaces(snapshot) { Namespaces::Shown } else { Namespaces::Hidden };
            let text = if lines.is_empty() { String::new() } else { list::render(&lines, namespaces, layout, screen) };
            return Ok((text, worst));
        }
        let reports: Vec<Report> = reports().collect();
        let text = match self.args.output {
            Some(Output::Json) => json::json(&reports, snapshot.taken_at).map_err(unexpected)?,
            Some(Output::Yaml) => json::yaml(&reports, snapshot.taken_at).map_err(unexpected)?,
            Some(Output::Name) => json::names(&reports),
            Some(Output::Wide) | None => {
                let screens: Vec<String> =
                    reports.iter().map(|report| status::render(report, layout, screen)).collect();
                screens.join("\n")
            }
        };
        Ok((text, worst_of(&reports)))
    }

    fn spans_namespaces(&self, snapshot: &Snapshot) -> bool {
        let all = match &self.args.from {
            Some(_) => self.context.place.offline_scope() == Scope::All,
            None => self.context.place.all_namespaces,
        };
        all && !snapshot.workloads.is_empty()
    }

    /// Shows it again and again until interrupted.
    async fn watch(&self, cluster: &Cluster) -> Result<(), Failure> {
        // One listener for the whole time: one that were made anew each round would miss what comes in between.
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        let mut redraw = self.context.ui.redraw();
        let mut last = None;
        loop {
            let round = async {
                let stamp = self.stamp();
                let mut look = std::pin::pin!(self.collect(cluster, Draft::Never));
                let collected = loop {
                    match (tokio::time::timeout(WATCH_PATIENCE, &mut look).await, &last) {
                        (Ok(collected), _) => break collected,
                        // A pipe has nothing to take the place of: there a screen is only followed by a newer one.
                        (Err(_), Some(last)) if self.context.ui.is_terminal() => {
                            let (Written::All | Written::ReaderGone) =
                                redraw.draw(&old_screen("no answer yet", last), &self.stamp())?;
                        }
                        (Err(_), Some(_) | None) => {}
                    }
                };
                let screen = self.watched(collected, &stamp, &mut last)?;
                let written = redraw.draw(&screen, &stamp)?;
                tokio::time::sleep(WATCH_INTERVAL).await;
                Ok::<_, Failure>(written)
            };
            tokio::select! {
                written = round => if written? == Written::ReaderGone {
                    return Ok(());
                },
                _ = &mut interrupted => return Err(Failure::silent(FailureKind::Interrupted)),
            }
        }
    }

    fn stamp(&self) -> String {
        (self.context.now)().to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string()
    }

    /// Makes one screen of `--watch`. An API error stands above what was seen last and does not end the watching, unless
    /// nothing was ever seen: a wrong name or missing permission is said once.
    fn watched(
        &self,
        collected: Result<Collected, Failure>,
        stamp: &str,
        last: &mut Option<Seen>,
    ) -> Result<String, Failure> {
        match (collected, &last) {
            (Ok(collected), _) => {
                let (text, _) = self.render(&collected.snapshot, &self.context.ui.screen())?;
                let text = if text.is_empty() { format!("{}\n", self.nothing_found()) } else { text };
                *last = Some(Seen { at: stamp.to_owned(), text: text.clone() });
                Ok(text)
            }
            (Err(failure), None) => Err(failure),
            (Err(failure), Some(last)) => Ok(old_screen(&format!("error: {} (trying again)", failure.message), last)),
        }
    }
}

/// What `--watch` saw last, and when.
struct Seen {
    at: String,
    text: String,
}

/// Says above an old screen why there is no newer one.
fn old_screen(why: &str, last: &Seen) -> String {
    format!("{why}\nbelow is what was seen at {}\n\n{}", last.at, last.text)
}
