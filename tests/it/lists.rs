//! Screens of many workloads.

use kubectl_stateful::view::list::{self, Line, Namespaces};
use kubectl_stateful::view::{Layout, Screen};

use crate::support::reports;

const AT_80: Screen = Screen { width: Some(80), colour: false, unicode: true };
const AT_160: Screen = Screen { width: Some(160), colour: false, unicode: true };

#[test]
fn many_workloads_at_80_columns() {
    let lines = [reports::healthy(), reports::broken(), reports::generic(), reports::empty()];
    let lines: Vec<Line> = lines.iter().map(Line::of).collect();
    insta::assert_snapshot!(list::render(&lines, Namespaces::Hidden, Layout::default(), &AT_80), @"
    NAME    READY   PRIMARY   LAG    CLAIMS   SAFE      FINDINGS
    db      3/3     db-0      18Mi   3/3      2/3       -
    db      2/3     NONE      2Mi    3/3      none      1 critical: no member accep…
    queue   2/3     -         -      8/9      unknown   -
    db      0/0     -         -      -        -         -

    4 statefulsets, 1 critical
    ");
}

#[test]
fn many_workloads_of_all_namespaces() {
    let lines: Vec<Line> = reports::all().iter().map(Line::of).collect();
    insta::assert_snapshot!(list::render(&lines, Namespaces::Shown, Layout::default(), &AT_160), @"
    NAMESPACE   NAME                                                            READY   SAFE      FINDINGS
    shop        db                                                              3/3     2/3       -
    shop        db                                                              2/3     none      1 critical: no member accepts writes; db-0 has been terminating f…
    shop        queue                                                           2/3     unknown   -
    shop        db                                                              0/0     -         -
    shop        db                                                              3/3     unknown   -
    shop        db                                                              12/12   11/12     -
    shop        a-very-long-name-that-somebody-once-thought-to-be-a-good-name   3/3     2/3       -
    shop        db                                                              2/3     2/3       1 warning
    shop        db                                                              3/3     2/3       -

    9 statefulsets, 1 critical, 1 with warnings
    ");
}

#[test]
fn many_workloads_through_a_pipe() {
    let lines: Vec<Line> = [reports::healthy(), reports::broken()].iter().map(Line::of).collect();
    insta::assert_snapshot!(list::render(&lines, Namespaces::Shown, Layout::default(), &Screen::PLAIN), @"
    NAMESPACE   NAME   READY   PRIMARY   LAG    CLAIMS   LEFT-OVER   SAFE   FINDINGS
    shop        db     3/3     db-0      18Mi   3/3      -           2/3    -
    shop        db     2/3     NONE      2Mi    3/3      1           none   1 critical: no member accepts writes; db-0 has been terminating for 4m on node-1, which stopped answering 5m ago (NotReady)
    ");
}

#[test]
fn without_probes_the_list_has_no_roles() {
    let lines: Vec<Line> = [reports::generic(), reports::silent()].iter().map(Line::of).collect();
    insta::assert_snapshot!(list::render(&lines, Namespaces::Hidden, Layout::default(), &AT_80), @"
    NAME    READY   CLAIMS   FINDINGS
    queue   2/3     8/9      -
    db      3/3     3/3      -

    2 statefulsets, nothing to warn about
    ");
}
