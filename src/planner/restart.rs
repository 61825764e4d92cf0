//! How long a kubelet holds back a container that ends again.

use jiff::Timestamp;

use crate::model::{ContainerName, Known, Phase, Pod};

/// What the kubelet waits before it starts a container again, the next figure after every end, in seconds. The first end
/// costs nothing.
const HELD_BACK: [u64; 6] = [10, 20, 40, 80, 160, 300];

/// After so many seconds without an end, the next one counts as the first.
const FORGOTTEN: i64 = 600;

/// Says for how many seconds the kubelet would hold the container back, should it end now. How long it was held back the
/// last time tells how far up the figures it is; kubelets may be told to use smaller ones.
pub(super) fn held_back(pod: &Pod, container: &ContainerName, now: Timestamp) -> Known<u64> {
    let Some(state) = pod.container_states.iter().find(|state| state.name == *container && !state.init) else {
        return Known::Unknown("its kubelet says nothing of the container".to_owned());
    };
    if state.restarts == 0 {
        return Known::Value(0);
    }
    let started = if let Phase::Running { since } = state.now { since } else { None };
    let Some(started) = started else {
        return Known::Unknown("its kubelet does not say since when the container runs".to_owned());
    };
    if now.duration_since(started).as_secs() > FORGOTTEN {
        return Known::Value(0);
    }
    let Some(ended) = state.last_end.as_ref().and_then(|end| end.at) else {
        return Known::Unknown("its kubelet does not say when the container ended".to_owned());
    };
    let last = u64::try_from(started.duration_since(ended).as_secs()).unwrap_or_default();
    let next = HELD_BACK.into_iter().find(|seconds| *seconds > last);
    Known::Value(next.unwrap_or(HELD_BACK[HELD_BACK.len() - 1]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerState, End};

    fn after(restarts: u32, held: i64, runs: i64) -> Known<u64> {
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).expect("a time");
        let state = ContainerState {
            name: "postgres".into(),
            restarts,
            now: Phase::Running { since: Some(at(held)) },
            last_end: (restarts > 0).then(|| End { at: Some(at(0)), ..End::default() }),
            ..ContainerState::default()
        };
        let pod = Pod { container_states: vec![state], ..Pod::default() };
        held_back(&pod, &"postgres".into(), at(held + runs))
    }

    #[test]
    fn a_container_that_ends_again_is_held_back_longer_each_time() {
        assert_eq!(after(0, 0, 5), Known::Value(0), "the first end");
        for (held, next) in [(1, 10), (11, 20), (24, 40), (45, 80), (90, 160), (170, 300), (301, 300)] {
            assert_eq!(after(2, held, 30), Known::Value(next), "held back for {held} s before");
        }
        assert_eq!(after(5, 170, 601), Known::Value(0), "that was long ago");
    }

    #[test]
    fn what_the_kubelet_does_not_say_is_not_known() {
        let silent = Pod::default();
        assert!(held_back(&silent, &"postgres".into(), Timestamp::UNIX_EPOCH).value().is_none());
        let state = ContainerState { name: "postgres".into(), restarts: 1, ..ContainerState::default() };
        let pod = Pod { container_states: vec![state], ..Pod::default() };
        assert!(held_back(&pod, &"postgres".into(), Timestamp::UNIX_EPOCH).value().is_none());
    }
}
