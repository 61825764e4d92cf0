//! What a probe printed, or why there is nothing to read.

use crate::model::{Answer, Pod, ProbeOutput};

/// Foreign text in a reason is cut here: it stands in one cell or at the end of one line.
const REASON_CHARS: usize = 160;

/// Takes what the probe `id` printed in `pod`; only of a command that ended well, because anything else may be cut off.
pub(super) fn printed<'a>(outputs: &[&'a ProbeOutput], pod: &Pod, id: &str) -> Result<&'a str, String> {
    let mine = |output: &&&ProbeOutput| output.pod.0 == pod.meta.name && output.id == id;
    match outputs.iter().find(mine).map(|output| &output.answer) {
        None => Err("not asked".to_owned()),
        Some(Answer::Failed(why)) => Err(one_line(why)),
        Some(Answer::Ended { exit_code: 0, stdout, .. }) => Ok(stdout),
        Some(Answer::Ended { exit_code, stderr, .. }) => Err(complaint(*exit_code, stderr)),
    }
}

/// Words what a failed command said: its exit code and the first line of its complaint.
fn complaint(exit_code: i32, stderr: &str) -> String {
    match stderr.lines().map(one_line).find(|line| !line.is_empty()) {
        Some(line) => format!("exit code {exit_code}: {line}"),
        None => format!("exit code {exit_code}"),
    }
}

/// Makes foreign text fit for a reason: no control characters, no runs of blanks, not long.
pub(super) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(REASON_CHARS) {
        Some((end, _)) => format!("{}...", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit_code: i32, stdout: &str, stderr: &str) -> ProbeOutput {
        let answer = Answer::Ended { exit_code, stdout: stdout.to_owned(), stderr: stderr.to_owned() };
        ProbeOutput {
            namespace: String::new().into(),
            pod: "db-0".into(),
            pod_uid: String::new().into(),
            id: "sql".into(),
            answer,
        }
    }

    fn read(output: &ProbeOutput) -> Result<String, String> {
        let mut pod = Pod::default();
        pod.meta.name = "db-0".to_owned();
        printed(&[output], &pod, "sql").map(str::to_owned)
    }

    #[test]
    fn takes_only_what_ended_well() {
        assert_eq!(read(&ended(0, "{}\n", "noise")), Ok("{}\n".to_owned()));
        assert_eq!(
            read(&ended(127, "{}", "\nsh: 1: psql: not found\n")),
            Err("exit code 127: sh: 1: psql: not found".into())
        );
        assert_eq!(read(&ended(137, "{}", "")), Err("exit code 137".to_owned()));
    }

    #[test]
    fn says_when_nobody_asked_this_pod() {
        let mut other = ended(0, "{}", "");
        other.pod = "db-1".into();
        assert_eq!(read(&other), Err("not asked".to_owned()));
    }

    #[test]
    fn foreign_text_cannot_paint_the_terminal() {
        assert_eq!(one_line("a\x1b[31m\tb\r\nc"), "a [31m b c");
        assert_eq!(one_line(&"é".repeat(500)).chars().count(), REASON_CHARS + 3);
    }
}
