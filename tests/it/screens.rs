//! Whole screens of one workload, as a person sees them.

use kubectl_stateful::analyze::report::Report;
use kubectl_stateful::view::list::{self, Line, Namespaces};
use kubectl_stateful::view::{Layout, Screen, Width, status, text};

use crate::support::reports;

const AT_80: Screen = Screen { width: Some(80), colour: false, unicode: true };
const AT_160: Screen = Screen { width: Some(160), colour: false, unicode: true };
const WIDE: Layout = Layout { width: Width::Wide, no_headers: false };
const NO_HEADERS: Layout = Layout { width: Width::Default, no_headers: true };

fn screen(report: &Report, screen: Screen) -> String {
    status::render(report, Layout::default(), &screen)
}

/// Shows where escape codes are without letting them work.
fn visible(text: &str) -> String {
    text.replace('\u{1b}', "^")
}

#[test]
fn a_healthy_database_at_80_columns() {
    insta::assert_snapshot!(screen(&reports::healthy(), AT_80), @"
    statefulset/db in shop: 3 of 3 ready, one of db-1 and db-2 may go
      role      PostgreSQL 15.18 (image postgres:15), primary db-0, timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service db: 3 of 3 names resolve
      sessions  16 open, 3 active
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 1

    POD    READY   ROLE      LAG       SESSIONS   CLAIM       USE   NODE     SAFE
    db-0   yes     primary   -         12 (3)     data-db-0   12%   node-1   no (1)
    db-1   yes     replica   0B 0s     4 (0)      data-db-1   12%   node-2   yes
    db-2   yes     replica   18Mi 4s   0 (0)      data-db-2   12%   node-3   yes

    (1) the primary: move it first
        kubectl stateful promote db -n shop
    ");
}

#[test]
fn a_healthy_database_at_160_columns() {
    insta::assert_snapshot!(screen(&reports::healthy(), AT_160), @"
    statefulset/db in shop: 3 of 3 ready, one of db-1 and db-2 may go
      role      PostgreSQL 15.18 (image postgres:15), primary db-0, timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service db: 3 of 3 names resolve
      sessions  16 open, 3 active
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 1

    POD    READY   ROLE      LAG       SESSIONS   CLAIM       USE   SIZE   NODE     ZONE   VOLUME                                     SAFE
    db-0   yes     primary   -         12 (3)     data-db-0   12%   20Gi   node-1   a      pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   no (1)
    db-1   yes     replica   0B 0s     4 (0)      data-db-1   12%   20Gi   node-2   b      pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   yes
    db-2   yes     replica   18Mi 4s   0 (0)      data-db-2   12%   20Gi   node-3   c      pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   yes

    (1) the primary: move it first
        kubectl stateful promote db -n shop
    ");
}

#[test]
fn a_healthy_database_in_colour() {
    let coloured = Screen { colour: true, ..AT_80 };
    insta::assert_snapshot!(visible(&screen(&reports::healthy(), coloured)), @"
    ^[1mstatefulset/db in shop: 3 of 3 ready, one of db-1 and db-2 may go^[0m
    ^[2m  role      ^[0mPostgreSQL 15.18 (image postgres:15), primary db-0, timeline 4
    ^[2m  storage   ^[0mclass fast-local, node-bound; kept on scale-down and deletion
    ^[2m  identity  ^[0mordinals 0-2, Service db: 3 of 3 names resolve
    ^[2m  sessions  ^[0m16 open, 3 active
    ^[2m  rollout   ^[0mrevision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 1

    ^[2mPOD^[0m    ^[2mREADY^[0m   ^[2mROLE^[0m      ^[2mLAG^[0m       ^[2mSESSIONS^[0m   ^[2mCLAIM^[0m       ^[2mUSE^[0m   ^[2mNODE^[0m     ^[2mSAFE^[0m
    db-0   yes     primary   ^[2m-^[0m         12 (3)     data-db-0   12%   node-1   ^[33mno (1)^[0m
    db-1   yes     replica   0B 0s     4 (0)      data-db-1   12%   node-2   ^[32myes^[0m
    db-2   yes     replica   18Mi 4s   0 (0)      data-db-2   12%   node-3   ^[32myes^[0m

    ^[2m(1) ^[0mthe primary: move it first
        kubectl stateful promote db -n shop
    ");
}

#[test]
fn a_healthy_database_through_a_pipe() {
    insta::assert_snapshot!(screen(&reports::healthy(), Screen::PLAIN), @"
    statefulset/db in shop: 3 of 3 ready, one of db-1 and db-2 may go
      role      PostgreSQL 15.18 (image postgres:15), primary db-0, timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service db: 3 of 3 names resolve
      sessions  16 open, 3 active
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 1

    POD    READY   ROLE      LAG       SESSIONS   CLAIM       USE   SIZE   NODE     ZONE   SAFE
    db-0   yes     primary   -         12 (3)     data-db-0   12%   20Gi   node-1   a      no (1)
    db-1   yes     replica   0B 0s     4 (0)      data-db-1   12%   20Gi   node-2   b      yes
    db-2   yes     replica   18Mi 4s   0 (0)      data-db-2   12%   20Gi   node-3   c      yes

    (1) the primary: move it first
        kubectl stateful promote db -n shop
    ");
}

#[test]
fn a_healthy_database_with_everything() {
    insta::assert_snapshot!(status::render(&reports::healthy(), WIDE, &AT_80), @"
    statefulset/db in shop: 3 of 3 ready, one of db-1 and db-2 may go
      role      PostgreSQL 15.18 (image postgres:15), primary db-0, timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service db: 3 of 3 names resolve
      sessions  16 open, 3 active
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 1

    POD    READY   ROLE      LAG       POSITION    TIMELINE   SESSIONS   CLAIM       CLASS        ACCESS   RECLAIM   USE           SIZE   VOLUME                                     NODE     ZONE   IP           DNS                REVISION       RESTARTS   SAFE
    db-0   yes     primary   -         0/5A2D1F8   4          12 (3)     data-db-0   fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   node-1   a      10.42.0.10   db-0.db.shop.svc   db-6d5f8b7c9   0          no (1)
    db-1   yes     replica   0B 0s     0/5A2D1F8   4          4 (0)      data-db-1   fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   node-2   b      10.42.1.11   db-1.db.shop.svc   db-6d5f8b7c9   0          yes
    db-2   yes     replica   18Mi 4s   0/48F0000   4          0 (0)      data-db-2   fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   node-3   c      10.42.2.12   db-2.db.shop.svc   db-6d5f8b7c9   0          yes

    (1) the primary: move it first
        kubectl stateful promote db -n shop
    ");
}

#[test]
fn a_broken_database_at_80_columns() {
    insta::assert_snapshot!(screen(&reports::broken(), AT_80), @"
    statefulset/db in shop: 2 of 3 ready, NO PRIMARY, nothing may go
      role      PostgreSQL 15.18 (image postgres:15), timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service db: 2 of 3 names resolve
      sessions  unknown: db-0 did not answer within 5s
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 0

    POD   READY        ROLE     LAG      SESSIONS  CLAIM      NODE    SAFE
    db-0  terminating  unknown  unknown  unknown   data-db-0  node-1  no (1,2)
    db-1  yes          replica  0B ?     4 (0)     data-db-1  node-2  no (2,3)
    db-2  yes          replica  2Mi ?    0 (0)     data-db-2  node-3  no (2,3)

    (1) already down
    (2) no member accepts writes
    (3) budget pdb/db allows no eviction now

    LEFT-OVER   USE   SIZE   NODE     VOLUME
    data-db-3   12%   20Gi   node-2   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11

    CRITICAL  no member accepts writes; db-0 has been terminating for 4m on node-1,
              which stopped answering 5m ago (NotReady)
              Kubernetes will not replace db-0 until node-1 is back or is declared
              dead
              kubectl stateful promote db --failover -n shop
    WARNING   claim data-db-3 is left over
              db-3 would start on this old data when the set is scaled up to 4
              kubectl delete pvc data-db-3 -n shop
    NOTE      all volumes are in zone b
    ");
}

#[test]
fn a_broken_database_at_160_columns() {
    insta::assert_snapshot!(screen(&reports::broken(), AT_160), @"
    statefulset/db in shop: 2 of 3 ready, NO PRIMARY, nothing may go
      role      PostgreSQL 15.18 (image postgres:15), timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service db: 2 of 3 names resolve
      sessions  unknown: db-0 did not answer within 5s
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 0

    POD    READY         ROLE      LAG       SESSIONS   CLAIM       USE       SIZE   NODE     ZONE   VOLUME                                     SAFE
    db-0   terminating   unknown   unknown   unknown    data-db-0   unknown   20Gi   node-1   a      pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   no (1,2)
    db-1   yes           replica   0B ?      4 (0)      data-db-1   12%       20Gi   node-2   b      pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   no (2,3)
    db-2   yes           replica   2Mi ?     0 (0)      data-db-2   12%       20Gi   node-3   c      pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   no (2,3)

    (1) already down
    (2) no member accepts writes
    (3) budget pdb/db allows no eviction now

    LEFT-OVER   USE   SIZE   NODE     VOLUME
    data-db-3   12%   20Gi   node-2   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11

    CRITICAL  no member accepts writes; db-0 has been terminating for 4m on node-1, which stopped answering 5m ago (NotReady)
              Kubernetes will not replace db-0 until node-1 is back or is declared dead
              kubectl stateful promote db --failover -n shop
    WARNING   claim data-db-3 is left over
              db-3 would start on this old data when the set is scaled up to 4
              kubectl delete pvc data-db-3 -n shop
    NOTE      all volumes are in zone b
    ");
}

#[test]
fn a_broken_database_in_colour() {
    let coloured = Screen { colour: true, ..AT_80 };
    insta::assert_snapshot!(visible(&screen(&reports::broken(), coloured)), @"
    ^[1mstatefulset/db in shop: 2 of 3 ready, NO PRIMARY, nothing may go^[0m
    ^[2m  role      ^[0mPostgreSQL 15.18 (image postgres:15), timeline 4
    ^[2m  storage   ^[0mclass fast-local, node-bound; kept on scale-down and deletion
    ^[2m  identity  ^[0mordinals 0-2, Service db: 2 of 3 names resolve
    ^[2m  sessions  ^[0munknown: db-0 did not answer within 5s
    ^[2m  rollout   ^[0mrevision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 0

    ^[2mPOD^[0m   ^[2mREADY^[0m        ^[2mROLE^[0m     ^[2mLAG^[0m      ^[2mSESSIONS^[0m  ^[2mCLAIM^[0m      ^[2mNODE^[0m    ^[2mSAFE^[0m
    db-0  ^[31mterminating^[0m  ^[33munknown^[0m  ^[2munknown^[0m  ^[2munknown^[0m   data-db-0  node-1  ^[33mno (1,2)^[0m
    db-1  yes          replica  0B ?     4 (0)     data-db-1  node-2  ^[33mno (2,3)^[0m
    db-2  yes          replica  2Mi ?    0 (0)     data-db-2  node-3  ^[33mno (2,3)^[0m

    ^[2m(1) ^[0malready down
    ^[2m(2) ^[0mno member accepts writes
    ^[2m(3) ^[0mbudget pdb/db allows no eviction now

    ^[2mLEFT-OVER^[0m   ^[2mUSE^[0m   ^[2mSIZE^[0m   ^[2mNODE^[0m     ^[2mVOLUME^[0m
    data-db-3   12%   20Gi   node-2   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11

    ^[1m^[31mCRITICAL  ^[0mno member accepts writes; db-0 has been terminating for 4m on node-1,
              which stopped answering 5m ago (NotReady)
              ^[2mKubernetes will not replace db-0 until node-1 is back or is declared^[0m
              ^[2mdead^[0m
              kubectl stateful promote db --failover -n shop
    ^[33mWARNING   ^[0mclaim data-db-3 is left over
              ^[2mdb-3 would start on this old data when the set is scaled up to 4^[0m
              kubectl delete pvc data-db-3 -n shop
    ^[2mNOTE      ^[0mall volumes are in zone b
    ");
}

#[test]
fn a_broken_database_with_everything() {
    insta::assert_snapshot!(status::render(&reports::broken(), WIDE, &AT_160), @"
    statefulset/db in shop: 2 of 3 ready, NO PRIMARY, nothing may go
      role      PostgreSQL 15.18 (image postgres:15), timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service db: 2 of 3 names resolve
      sessions  unknown: db-0 did not answer within 5s
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 0

    POD    READY         ROLE      LAG       POSITION    TIMELINE   SESSIONS   CLAIM       CLASS        ACCESS   RECLAIM   USE           SIZE   VOLUME                                     NODE     ZONE   IP           DNS                REVISION       RESTARTS   SAFE
    db-0   terminating   unknown   unknown   -           -          unknown    data-db-0   fast-local   RWO      Delete    unknown       20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   node-1   a      10.42.0.10   -                  db-6d5f8b7c9   0          no (1,2)
    db-1   yes           replica   0B ?      0/5A2D1F8   4          4 (0)      data-db-1   fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   node-2   b      10.42.1.11   db-1.db.shop.svc   db-6d5f8b7c9   0          no (2,3)
    db-2   yes           replica   2Mi ?     0/48F0000   4          0 (0)      data-db-2   fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   node-3   c      10.42.2.12   db-2.db.shop.svc   db-6d5f8b7c9   0          no (2,3)

    (1) already down
    (2) no member accepts writes
    (3) budget pdb/db allows no eviction now

    LEFT-OVER   USE   SIZE   NODE     CLASS        ACCESS   RECLAIM   VOLUME
    data-db-3   12%   20Gi   node-2   fast-local   RWO      Delete    pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11

    CRITICAL  no member accepts writes; db-0 has been terminating for 4m on node-1, which stopped answering 5m ago (NotReady) [no-primary]
              Kubernetes will not replace db-0 until node-1 is back or is declared dead
              kubectl stateful promote db --failover -n shop
    WARNING   claim data-db-3 is left over [claims-left-over]
              db-3 would start on this old data when the set is scaled up to 4
              kubectl delete pvc data-db-3 -n shop
    NOTE      all volumes are in zone b [volumes-in-one-zone]
    ");
}

#[test]
fn a_broken_database_for_scripts() {
    insta::assert_snapshot!(status::render(&reports::broken(), NO_HEADERS, &AT_80), @"
    db-0   terminating   unknown   -   unknown   unknown   data-db-0   unknown   20Gi   node-1   a   no
    db-1   yes           replica   -   0B ?      4 (0)     data-db-1   12%       20Gi   node-2   b   no
    db-2   yes           replica   -   2Mi ?     0 (0)     data-db-2   12%       20Gi   node-3   c   no
    ");
}

#[test]
fn several_claims_and_no_engine_at_80_columns() {
    insta::assert_snapshot!(screen(&reports::generic(), AT_80), @"
    statefulset/queue in shop: 2 of 3 ready, which may go is unknown
      role      no engine recognised: roles, lag and sessions are not known
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2 (Parallel), Service queue: 2 of 3 names resolve
      rollout   revision 6d5f8b7c9 2 of 3 updated; no budget

    POD       READY         CLAIM                       USE   NODE     SAFE
    queue-0   yes           data-queue-0 +2             12%   node-1   unknown (1)
    queue-1   yes           data-queue-1 +2             12%   node-2   unknown (1)
    queue-2   pending (2)   logs-queue-2 (Pending) +2   12%   -        unknown (1)

    (1) roles are not known
    (2) pod has unbound immediate PersistentVolumeClaims
    ");
}

#[test]
fn several_claims_and_no_engine_with_everything() {
    insta::assert_snapshot!(status::render(&reports::generic(), WIDE, &AT_80), @"
    statefulset/queue in shop: 2 of 3 ready, which may go is unknown
      role      no engine recognised: roles, lag and sessions are not known
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2 (Parallel), Service queue: 2 of 3 names resolve
      rollout   revision 6d5f8b7c9 2 of 3 updated; no budget

    POD       READY         CLAIM                    CLASS        ACCESS   RECLAIM   USE           SIZE   VOLUME                                     NODE     ZONE   IP           DNS                      REVISION          RESTARTS   SAFE
    queue-0   yes           data-queue-0             fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   node-1   a      10.42.0.10   queue-0.queue.shop.svc   queue-6d5f8b7c9   0          unknown (1)
                            logs-queue-0             fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11
                            meta-queue-0             fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11
    queue-1   yes           data-queue-1             fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   node-2   b      10.42.1.11   queue-1.queue.shop.svc   queue-6d5f8b7c9   0          unknown (1)
                            logs-queue-1             fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11
                            meta-queue-1             fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11
    queue-2   pending (2)   data-queue-2             fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11   -        -      10.42.2.12   -                        queue-6d5f8b7c9   0          unknown (1)
                            logs-queue-2 (Pending)   fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11
                            meta-queue-2             fast-local   RWO      Delete    2.4Gi (12%)   20Gi   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11

    (1) roles are not known
    (2) pod has unbound immediate PersistentVolumeClaims
    ");
}

#[test]
fn a_set_scaled_to_nothing() {
    insta::assert_snapshot!(screen(&reports::empty(), AT_80), @"
    statefulset/db in shop: scaled to 0
      role      PostgreSQL (image postgres:15)
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  no ordinals, Service db

    LEFT-OVER   USE   SIZE   NODE     VOLUME
    data-db-0   12%   20Gi   node-1   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11
    data-db-1   12%   20Gi   node-2   pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11
    ");
}

#[test]
fn a_database_that_does_not_answer() {
    insta::assert_snapshot!(screen(&reports::silent(), AT_80), @"
    statefulset/db in shop: 3 of 3 ready, which may go is unknown
      role      PostgreSQL (image postgres:15), roles unknown: no answer within 5s
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service db: 3 of 3 names resolve
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 1

    POD    READY   ROLE      CLAIM       USE   SIZE   NODE     ZONE   SAFE
    db-0   yes     unknown   data-db-0   12%   20Gi   node-1   a      unknown (1)
    db-1   yes     unknown   data-db-1   12%   20Gi   node-2   b      unknown (1)
    db-2   yes     unknown   data-db-2   12%   20Gi   node-3   c      unknown (1)

    (1) its role is not known
    ");
}

#[test]
fn a_set_in_the_middle_of_everything() {
    insta::assert_snapshot!(screen(&reports::busy(), AT_80), @"
    statefulset/db in shop: 3 of 3 ready, one of db-1 and db-2 may go
      role      PostgreSQL 15.18 (image postgres:15), primary db-0, timeline 4
      commits   wait for 1 standby, 2 confirm (ANY 1 (db_1, db_2))
      storage   class fast-local, node-bound; DELETED on scale-down, kept on
                deletion of the set; USE is of the node's disk
      identity  ordinals 0-2, Service db: 3 of 3 names resolve
      sessions  17 open, 3 active, 1 idle in transaction
      rollout   revision 6d5f8b7c9 1 of 3 updated, stops at partition 2,
                maxUnavailable 50%; pdb/db (maxUnavailable 1) allows 1
      owner     Zalando postgres-operator (label application=spilo), puts changes
                back; change numberOfInstances of postgresql/db instead

    POD    READY          ROLE             LAG         CLAIM       NODE     SAFE
    db-0   yes            primary          -           data-db-0   node-1   no (1)
    db-1   yes            quorum replica   0B 0s       data-db-1   node-2   yes
    db-2   yes            quorum replica   18Mi 4s     data-db-2   node-3   yes
    db-3   yes, surplus   quorum replica   300B 0.1s   data-db-3   node-1   yes

    (1) the primary: move it first
        kubectl stateful promote db -n shop
    ");
}

#[test]
fn twelve_ordinals_stay_in_order() {
    insta::assert_snapshot!(screen(&reports::twelve(), AT_80), @"
    statefulset/db in shop: 12 of 12 ready, any one of db-1 to db-11 may go
      role      PostgreSQL 15.18 (image postgres:15), primary db-0, timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-11, Service db: 12 of 12 names resolve
      sessions  16 open, 3 active
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 1

    POD    READY  ROLE     LAG      SESSIONS  CLAIM       USE  NODE    SAFE
    db-0   yes    primary  -        12 (3)    data-db-0   12%  node-1  no (1)
    db-1   yes    replica  0B 0s    4 (0)     data-db-1   12%  node-2  yes
    db-2   yes    replica  18Mi 4s  0 (0)     data-db-2   12%  node-3  yes
    db-3   yes    replica  0B 0s    0 (0)     data-db-3   12%  node-1  yes
    db-4   yes    replica  0B 0s    0 (0)     data-db-4   12%  node-2  yes
    db-5   yes    replica  0B 0s    0 (0)     data-db-5   12%  node-3  yes
    db-6   yes    replica  0B 0s    0 (0)     data-db-6   12%  node-1  yes
    db-7   yes    replica  0B 0s    0 (0)     data-db-7   12%  node-2  yes
    db-8   yes    replica  0B 0s    0 (0)     data-db-8   12%  node-3  yes
    db-9   yes    replica  0B 0s    0 (0)     data-db-9   12%  node-1  yes
    db-10  yes    replica  0B 0s    0 (0)     data-db-10  12%  node-2  yes
    db-11  yes    replica  0B 0s    0 (0)     data-db-11  12%  node-3  yes

    (1) the primary: move it first
        kubectl stateful promote db -n shop
    ");
}

#[test]
fn long_names_are_never_cut() {
    insta::assert_snapshot!(screen(&reports::long_names(), AT_80), @"
    statefulset/a-very-long-name-that-somebody-once-thought-to-be-a-good-name in
      shop: 3 of 3 ready, one of
      a-very-long-name-that-somebody-once-thought-to-be-a-good-name-1 and
      a-very-long-name-that-somebody-once-thought-to-be-a-good-name-2 may go
      role      PostgreSQL 15.18 (image postgres:15), primary
                a-very-long-name-that-somebody-once-thought-to-be-a-good-name-0,
                timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service
                a-very-long-name-that-somebody-once-thought-to-be-a-good-name: 3 of
                3 names resolve
      sessions  16 open, 3 active
      rollout   revision db-6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 1

    POD                                                               READY   SAFE
    a-very-long-name-that-somebody-once-thought-to-be-a-good-name-0   yes     no (1)
    a-very-long-name-that-somebody-once-thought-to-be-a-good-name-1   yes     yes
    a-very-long-name-that-somebody-once-thought-to-be-a-good-name-2   yes     yes

    (1) the primary: move it first
        kubectl stateful promote db -n shop
    ");
}

#[test]
fn what_a_cluster_sends_cannot_steer_the_terminal() {
    insta::assert_snapshot!(screen(&reports::hostile(), AT_80), @r"
    statefulset/db in shop: 2 of 3 ready, one of db-1 and db-2 may go
      role      PostgreSQL 15.18 (image postgres:15), primary db-0, timeline 4
      storage   class fast-local, node-bound; kept on scale-down and deletion
      identity  ordinals 0-2, Service db: 3 of 3 names resolve
      sessions  16 open, 3 active
      rollout   revision 6d5f8b7c9 complete; pdb/db (maxUnavailable 1) allows 1

    POD    READY    ROLE      LAG       SESSIONS   CLAIM       USE   NODE     SAFE
    db-0   yes      primary   -         12 (3)     data-db-0   12%   node-1   no (1)
    db-1   yes      replica   0B 0s     4 (0)      data-db-1   12%   node-2   yes
    db-2   no (2)   replica   18Mi 4s   0 (0)      data-db-2   12%   node-3   yes

    (1) the primary: move it first
        kubectl stateful promote db -n shop
    (2) Readiness probe failed: \u{1b}[2J\u{1b}]0;owned\u{7} 😀

    WARNING  db-1 は応答しませんデータベースシステムは起動処理中ですしばらくしてから
             もう一度試してください致命的エラー 🐘🔥 and \u{202e}desrever\u{202c},
             then\u{200b}nothing
             \u{1b}[31mred\u{1b}[0m \u{9b}2J
             kubectl logs db-1 -n shop\u{1b}[A
    ");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (width, report) in
        [80, 100, 160].into_iter().flat_map(|width| reports::all().into_iter().map(move |report| (width, report)))
    {
        let text = screen(&report, Screen { width: Some(width), ..AT_80 });
        for line in text.lines().filter(|line| !is_unbreakable(line)) {
            assert!(text::width(line) <= width, "{} columns: {line}", text::width(line));
        }
        let lines = [Line::of(&report)];
        let text = list::render(&lines, Namespaces::Hidden, Layout::default(), &Screen { width: Some(width), ..AT_80 });
        for line in text.lines() {
            assert!(text::width(line) <= width, "{} columns: {line}", text::width(line));
        }
    }
}

/// Commands, and lines of a single word.
fn is_unbreakable(line: &str) -> bool {
    line.trim_start().starts_with("kubectl ") || !line.trim_start().contains(' ')
}

#[test]
fn colours_change_nothing_else() {
    for report in reports::all() {
        let coloured = screen(&report, Screen { colour: true, ..AT_80 });
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), screen(&report, AT_80));
    }
}

#[test]
fn lines_have_no_blanks_at_their_end() {
    for report in reports::all() {
        for text in [screen(&report, AT_80), screen(&report, Screen::PLAIN), status::render(&report, WIDE, &AT_80)] {
            assert_eq!(text.lines().find(|line| line.ends_with(' ')), None);
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
        }
    }
}

#[test]
fn a_pipe_gets_the_same_whatever_the_terminal() {
    let plain = screen(&reports::long_names(), Screen::PLAIN);
    assert!(plain.contains("data-a-very-long-name-that-somebody-once-thought-to-be-a-good-name-2   12%   20Gi"));
}
