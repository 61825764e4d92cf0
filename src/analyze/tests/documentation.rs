use std::collections::BTreeSet;

use crate::model::Code;

#[test]
fn every_code_has_a_heading_in_the_documentation_and_no_heading_is_left_without_a_code() {
    let text = include_str!("../../../docs/findings.md");
    let headings: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(headings, codes);
}
