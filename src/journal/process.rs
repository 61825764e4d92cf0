//! One process for good: names of users and machines come again, in containers even at the same time.

use std::fs;
use std::path::Path;

/// Writes down who this process is: the machine since it was started, the numbers by which it counts processes, the
/// process, and when that began. `None` where the system does not say.
pub(super) fn own() -> Option<String> {
    let pid = std::process::id().to_string();
    // Somebody may have mounted the processes of another place.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    (stat.split(' ').next() == Some(&pid)).then_some(())?;
    let place = place()?;
    Some(format!("{place} {pid} {}", began(&stat)?))
}

/// Tells for sure that a process has ended; of one in another place nobody can.
pub(super) fn has_ended(process: &str) -> bool {
    let Some((there, pid, start)) = parts(process) else { return false };
    // Where the first process cannot be seen, others may be hidden as well.
    if place().as_deref() != Some(there) || !Path::new("/proc/1").exists() {
        return false;
    }
    let directory = Path::new("/proc").join(pid);
    match fs::read_to_string(directory.join("stat")) {
        Ok(now) => began(&now).is_some_and(|other| other != start),
        Err(_) => !directory.exists(),
    }
}

fn parts(process: &str) -> Option<(&str, &str, &str)> {
    let (rest, start) = process.rsplit_once(' ')?;
    let (place, pid) = rest.rsplit_once(' ')?;
    pid.bytes().all(|byte| byte.is_ascii_digit()).then_some((place, pid, start))
}

fn place() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), space.display()))
}

/// Reads when a process began, in ticks of the machine; the name before it may hold blanks and brackets.
fn began(stat: &str) -> Option<&str> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_place_is_known_to_have_ended() {
        // Elsewhere nobody is known to have ended.
        let Some(own) = own() else { return };
        assert!(!has_ended(&own), "{own}");
        let (place, pid, start) = parts(&own).unwrap();
        assert!(has_ended(&format!("{place} 4194305 {start}")), "no process has this number");
        assert!(has_ended(&format!("{place} {pid} 1{start}")), "another process has its number now");
        assert!(!has_ended(&format!("another {place} 4194305 {start}")), "another boot of a machine");
        assert!(!has_ended(&format!("{place}x 4194305 {start}")), "another container of this machine");
        for unknown in ["", "x", "me@here pid 4194305"] {
            assert!(!has_ended(unknown), "{unknown}");
        }
    }

    #[test]
    fn names_of_processes_may_hold_anything() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 9876 20 21";
        assert_eq!(began(stat), Some("9876"));
    }
}
