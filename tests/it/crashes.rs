//! The executor's own logic: whatever goes wrong at whatever point, a run can be continued to the same end, or taken
//! back, and every effect takes hold once.
#![expect(clippy::print_stdout, reason = "a sweep says how many cases it had")]

use std::time::Duration;

use kubectl_stateful::analyze::{Criteria, DEFAULT_MAX_LAG_BYTES};
use kubectl_stateful::execute::{Interrupt, Stop, Terms, execute};
use kubectl_stateful::plan::{
    Check, Consent, Effect, Entry, Event, Fate, Happening, Limit, Pause, Plan, Progress, Run, RunId, Step, Trace, Undo,
    When,
};
use kubectl_stateful::planner::{ScaleDown, Situation, scale_down, undo};

use crate::support::double::{Double, Fault, Pen};

const FROM: u32 = 4;
const TO: u32 = 2;

fn plan(world: &Double) -> Plan {
    let seen = world.snapshot();
    let criteria = Criteria { max_lag_bytes: DEFAULT_MAX_LAG_BYTES, engine: None };
    let situation = Situation::new(&seen, &seen.workloads[0].meta.uid, None, &criteria).unwrap();
    let wanted = ScaleDown {
        to: TO,
        to_zero: false,
        delete_claims: false,
        allowed: vec!["no-drain".to_owned()],
        step_limit: None,
    };
    scale_down(&situation, &wanted, RunId("one".to_owned()), seen.taken_at).unwrap()
}

/// How a process that carried a plan out came to its end.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Done,
    Stopped(Stop),
    Died,
}

async fn process(world: &Double, plan: &Plan, interrupt: &Interrupt, tell: &dyn Fn(Event)) -> End {
    let run = Run { plan: plan.clone(), entries: world.lines.borrow().clone() };
    let terms = Terms { deadline: None, interrupt, tell };
    let approved = plan.clone().approve(Consent::Typed);
    let mut pen = Pen(world);
    tokio::select! {
        biased;
        () = world.died() => End::Died,
        ended = execute(&approved, &run, world, &mut pen, &terms) => ended.map_or_else(End::Stopped, |()| End::Done),
    }
}

async fn whole(world: &Double, plan: &Plan) -> End {
    process(world, plan, &Interrupt::default(), &|_| ()).await
}

fn written(world: &Double, plan: &Plan) -> Run {
    Run { plan: plan.clone(), entries: world.lines.borrow().clone() }
}

/// Takes a run back in a journal of its own.
async fn take_back(world: &Double, run: &Run) -> End {
    let back = undo(run, RunId("two".to_owned()), run.plan.made_at);
    world.lines.borrow_mut().clear();
    whole(world, &back).await
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_wrong() {
    let world = Double::new(FROM);
    let plan = plan(&world);
    assert_eq!(whole(&world, &plan).await, End::Done);
    assert_eq!((world.replicas(), world.changes.get()), (TO, FROM - TO));
    assert!(!written(&world, &plan).is_unfinished());
    let run = written(&world, &plan);
    assert_eq!(take_back(&world, &run).await, End::Done);
    assert_eq!(world.replicas(), FROM);
}

#[tokio::test(start_paused = true)]
async fn every_fault_at_every_point_is_resumed_or_taken_back() {
    let world = Double::new(FROM);
    let the_plan = plan(&world);
    assert_eq!(whole(&world, &the_plan).await, End::Done);
    let operations = world.operations();
    let mut cases = 0;
    for at in 0..operations {
        for fault in Fault::ALL {
            let broken = || async {
                let world = Double::new(FROM);
                world.breaks(at, fault);
                let end = whole(&world, &the_plan).await;
                world.heals();
                (world, end)
            };
            let (world, end) = broken().await;
            assert!(end != End::Done || !written(&world, &the_plan).is_unfinished(), "{fault:?} at {at}");
            if written(&world, &the_plan).is_unfinished() {
                assert_eq!(whole(&world, &the_plan).await, End::Done, "{fault:?} at {at} is continued");
            }
            assert_eq!((world.replicas(), world.changes.get()), (TO, FROM - TO), "{fault:?} at {at}");

            let (world, _) = broken().await;
            let run = written(&world, &the_plan);
            assert_eq!(take_back(&world, &run).await, End::Done, "{fault:?} at {at} is taken back");
            assert_eq!(world.replicas(), FROM, "{fault:?} at {at}");
            cases += 2;
        }
    }
    println!("{cases} cases: {} faults at {operations} points, each continued and taken back", Fault::ALL.len());
}

/// A step that notes something on the set.
fn note(key: &str) -> Step {
    let (key, value) = (key.to_owned(), "so".to_owned());
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: Effect::Annotate { key: key.clone(), value: value.clone() },
        trace: Trace::Seen(Check::Annotated { key, value }),
        ensures: Vec::new(),
        undo: Undo::Keep { why: "it is a note".to_owned() },
        limit: Limit::seconds(60),
    }
}

#[tokio::test(start_paused = true)]
async fn steps_that_are_begun_together_are_written_down_at_once_and_gone_on_with_one_by_one() {
    const NOTES: [&str; 4] = ["a", "b", "c", "d"];
    let mut the_plan = plan(&Double::new(FROM));
    the_plan.steps = NOTES.map(note).to_vec();
    the_plan.pause = Some(Pause { first: 0, last: 2, together: Some(1) });
    let world = Double::new(FROM);
    assert_eq!(whole(&world, &the_plan).await, End::Done);
    assert_eq!(world.noted(), NOTES);
    let operations = world.operations();
    assert_eq!(operations, 3 * NOTES.len() + 1 - 2, "b and c are begun with one line, and done with one");
    for at in 0..operations {
        for fault in Fault::ALL {
            let world = Double::new(FROM);
            world.breaks(at, fault);
            whole(&world, &the_plan).await;
            world.heals();
            let run = written(&world, &the_plan);
            let noted = world.noted();
            assert!(noted.iter().eq(NOTES.iter().take(noted.len())), "{fault:?} at {at}: in their order: {noted:?}");
            assert!(!run.is_unfinished() || whole(&world, &the_plan).await == End::Done, "{fault:?} at {at}");
            assert_eq!(
                (world.noted(), world.changes.get()),
                (NOTES.map(str::to_owned).to_vec(), 4),
                "{fault:?} at {at}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_interrupted_at_any_moment_is_resumed_or_taken_back() {
    let count = std::cell::Cell::new(0);
    let world = Double::new(FROM);
    let the_plan = plan(&world);
    process(&world, &the_plan, &Interrupt::default(), &|_| count.set(count.get() + 1)).await;
    for moment in 1..=count.get() {
        for back in [false, true] {
            let world = Double::new(FROM);
            let interrupt = Interrupt::default();
            let heard = std::cell::Cell::new(0);
            let tell = |_| {
                heard.set(heard.get() + 1);
                if heard.get() == moment {
                    interrupt.ask();
                }
            };
            let end = process(&world, &the_plan, &interrupt, &tell).await;
            let run = written(&world, &the_plan);
            if moment < count.get() {
                assert!(matches!(end, End::Stopped(Stop::Interrupted { .. })), "{moment}: {end:?}");
            }
            if back {
                assert_eq!(take_back(&world, &run).await, End::Done, "{moment}");
                assert_eq!(world.replicas(), FROM, "{moment}");
            } else {
                assert_eq!(whole(&world, &the_plan).await, End::Done, "{moment}");
                assert_eq!((world.replicas(), world.changes.get()), (TO, FROM - TO), "{moment}");
            }
        }
    }
    println!("interrupted at {} moments", count.get());
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_number_is_never_fought() {
    let world = Double::new(FROM);
    let plan = plan(&world);
    let tell = |event: Event| {
        if matches!(event, Event::Done { step: 0, .. }) {
            world.is_scaled_by_somebody(5);
        }
    };
    let End::Stopped(Stop::Failed { step, why }) = process(&world, &plan, &Interrupt::default(), &tell).await else {
        panic!("it went on");
    };
    assert_eq!((step, why.as_str()), (1, "replicas is 5, not 3: somebody else changed it"));
    assert_eq!(world.replicas(), 5);
    assert_eq!(written(&world, &plan).progress(1), Progress::Waiting);
}

#[tokio::test(start_paused = true)]
async fn while_the_world_does_not_answer_the_wait_goes_on_counting_and_says_so() {
    let world = Double::new(FROM);
    let plan = plan(&world);
    world.slowness.set(Duration::from_secs(7));
    let told = std::cell::RefCell::new(Vec::new());
    let tell = |event: Event| {
        if let Event::Waits { step: 0, why, since, .. } = event {
            told.borrow_mut().push((since.as_secs(), why));
        }
    };
    assert_eq!(process(&world, &plan, &Interrupt::default(), &tell).await, End::Done);
    let silent = |(since, why): &(u64, String)| why.ends_with("; the world does not answer").then_some(*since);
    let counted: Vec<u64> = told.borrow().iter().map_while(silent).collect();
    assert_eq!(counted, [2, 4, 6, 2, 4, 6], "once for what it needs, once for what it waits for");
}

#[test]
fn a_journal_is_read_back_as_it_was_and_never_guessed_at() {
    let plan = plan(&Double::new(FROM));
    let text = serde_json::to_string(&plan).unwrap();
    let run = Run::read(&text, "").unwrap();
    assert_eq!(run.plan, plan);
    let newer = text.replacen("\"format\":1", "\"format\":2", 1);
    let refused = Run::read(&newer, "").unwrap_err().to_string();
    assert_eq!(refused, "the journal has format 2, and this program knows only format 1");
    for end in 0..text.len() {
        assert!(Run::read(&text[..end], "").is_err(), "cut at {end}");
    }
    assert!(Run::read(&text, "{\"at\":").is_err());
}

#[test]
fn a_run_that_was_left_where_it_stood_is_in_nobodys_way() {
    let world = Double::new(FROM);
    let entry = |what| Entry { at: jiff::Timestamp::UNIX_EPOCH, who: "somebody".to_owned(), what };
    let stopped = vec![entry(Happening::Opened), entry(Happening::Failed { step: 0, why: "no node".to_owned() })];
    let mut run = Run { plan: plan(&world), entries: stopped };
    assert!(run.is_unfinished());
    run.entries.push(entry(Happening::Left));
    assert_eq!((run.fate(), run.is_unfinished()), (Fate::Left, false));
    let stored: String = run.entries.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect();
    let read = Run::read(&serde_json::to_string(&run.plan).unwrap(), &stored).unwrap();
    assert_eq!(read, run);
}
