//! `snapshot`: everything that `status` reads, in one file, without secrets.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Context;
use super::asking::AskArgs;
use super::target::parse_names;
use crate::archive;
use crate::cluster::{Cluster, Scope};
use crate::collect::{Collected, Keep, Wanted, ask_members, read_cluster};
use crate::failure::{Failure, FailureKind};
use crate::model::Snapshot;
use crate::ui::Written;

/// What `snapshot` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl stateful snapshot db -n shop > db.json    what `status db` reads
  kubectl stateful snapshot -A --file dump.json     everything
  kubectl stateful status db --from db.json         look at it, anywhere

It holds no Secrets, no values of variables, no commands, no last-applied copies.")]
pub struct Args {
    /// StatefulSets to save: NAME, sts/NAME or statefulset/NAME [default: all of the namespace]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Write to a file instead of standard output
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// Overwrite the file without asking
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    ask: AskArgs,
}

/// Saves a snapshot.
///
/// # Errors
/// When it cannot be read or written, or a name does not exist.
pub async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let names = parse_names(&args.names)?;
    context.place.check(&names)?;
    if let Some(file) = &args.file {
        allow_overwriting(file, args.yes, context)?;
    }
    let cluster = Cluster::connect(&context.connect).await?;
    let scope = context.place.scope(&cluster);
    let wanted = Wanted {
        scope: scope.clone(),
        names,
        labels: None,
        probe: args.ask.probing(None),
        usage: true,
        container: args.ask.of.container,
        engine: args.ask.of.engine,
    };
    let progress = context.ui.progress("connecting");
    let say = |what: &str| progress.set(what);
    let mut collected = read_cluster(&cluster, &wanted, Keep::Objects, (context.now)(), &say).await;
    if let Ok(collected) = &mut collected {
        ask_members(&cluster, &wanted, &mut collected.snapshot, &say).await;
    }
    drop(progress);
    let Collected { snapshot, problems, mut objects } = collected?;
    for problem in &problems {
        context.ui.warn(problem);
    }
    objects.retain(|object| belongs(object, &snapshot, &scope));
    let count = objects.len();
    let text = archive::write(&snapshot, objects)
        .map_err(|error| Failure::new(FailureKind::Unexpected, format!("the snapshot cannot be written: {error}")))?;
    match &args.file {
        None => {
            let (Written::All | Written::ReaderGone) = context.ui.print(&text)?;
        }
        Some(file) => {
            std::fs::write(file, text).map_err(|error| {
                Failure::new(FailureKind::Unexpected, format!("{} cannot be written: {error}", file.display()))
            })?;
            let sets = crate::view::plural::count(snapshot.workloads.len(), "StatefulSet");
            context
                .ui
                .status(&format!("Saved {sets} and what belongs to them ({count} objects) to {}.", file.display()));
        }
    }
    Ok(())
}

fn allow_overwriting(file: &Path, yes: bool, context: &Context) -> Result<(), Failure> {
    let there = file.try_exists().map_err(|error| {
        Failure::new(FailureKind::Usage, format!("{} cannot be looked at: {error}", file.display()))
    })?;
    if !there || yes {
        return Ok(());
    }
    let question = format!("{} exists: overwrite it?", file.display());
    match context.ui.confirm(&question)? {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new(FailureKind::Interrupted, "nothing was written")),
        None => Err(Failure::new(FailureKind::Usage, format!("{} exists", file.display()))
            .hint("nobody can be asked here: overwrite it with --yes, or name another file")),
    }
}

/// Keeps what the chosen sets need: not the pods of other sets, not the volumes of other namespaces.
fn belongs(object: &Value, snapshot: &Snapshot, scope: &Scope) -> bool {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let chosen = |name: &str| {
        let namespace = text("/metadata/namespace");
        snapshot.workloads.iter().any(|set| set.meta.name == name && set.meta.namespace.as_str() == namespace)
    };
    match text("/kind") {
        "StatefulSet" => chosen(text("/metadata/name")),
        "Pod" => snapshot.workloads.iter().any(|set| {
            set.ordinal_of(text("/metadata/name")).is_some()
                && set.meta.namespace.as_str() == text("/metadata/namespace")
                || text("/metadata/ownerReferences/0/uid") == set.meta.uid.as_str()
        }),
        "PersistentVolume" => scope.covers(&text("/spec/claimRef/namespace").into()),
        _ => true,
    }
}
