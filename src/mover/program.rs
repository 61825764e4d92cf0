//! The mover's own file: it ships beside the plugin, one for each architecture of nodes, and needs nothing of the image it is sent into.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why there is no mover to send.
#[derive(Debug, thiserror::Error)]
pub enum NoMover {
    /// It is not there.
    #[error("{} is missing: it is in the archive of a release, and `scripts/mover` builds it", .0.display())]
    Missing(PathBuf),
    /// It is there and cannot be read.
    #[error("{} cannot be read: {error}", .path.display())]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It is not a program that runs by itself on such a node.
    #[error("{} is no static program for Linux on {architecture}: `scripts/mover` builds one", .path.display())]
    Unfit {
        /// Where it is.
        path: PathBuf,
        /// What it should run on, in the words of the label `kubernetes.io/arch`.
        architecture: String,
    },
}

/// Finds the mover for nodes of an architecture (`amd64`, `arm64`) beside the plugin's real executable: krew and people link to it.
pub fn beside(executable: &Path, architecture: &str) -> Result<PathBuf, NoMover> {
    let unreadable = |path: &Path, error| NoMover::Unreadable { path: path.to_owned(), error };
    let real = fs::canonicalize(executable).map_err(|error| unreadable(executable, error))?;
    let path = real.with_file_name(format!("kubectl-stateful-mover-linux-{architecture}"));
    match fs::read(&path) {
        Ok(program) if is_static(&program, architecture) => Ok(path),
        Ok(_) => Err(NoMover::Unfit { path, architecture: architecture.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(NoMover::Missing(path)),
        Err(error) => Err(unreadable(&path, error)),
    }
}

/// The kind of program header that names a loader.
const INTERPRETER: [u8; 4] = 3_u32.to_le_bytes();

/// Says whether a file is a 64-bit ELF program for this architecture that asks for no loader.
fn is_static(program: &[u8], architecture: &str) -> bool {
    // Offsets of the ELF format: machine, place, size and number of the program headers.
    let machine = match architecture {
        "amd64" => 62,
        "arm64" => 183,
        _ => return false,
    };
    let half = |at: usize| program.get(at..at + 2).map(|bytes| usize::from(bytes[0]) | usize::from(bytes[1]) << 8);
    let header = || {
        let place = program.get(32..40)?.try_into().ok().map(u64::from_le_bytes)?;
        Some((usize::try_from(place).ok()?, half(54)?, half(56)?))
    };
    if !program.starts_with(b"\x7fELF\x02\x01") || half(18) != Some(machine) {
        return false;
    }
    let Some((place, size, count)) = header() else { return false };
    let mut kinds = (0..count).map(|number| program.get(place + number * size..).and_then(|header| header.get(..4)));
    count > 0 && kinds.all(|kind| kind.is_some_and(|kind| kind != INTERPRETER))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{NoMover, beside, is_static};

    /// The head of an ELF file with two program headers.
    fn elf(machine: u8, kinds: [u8; 2]) -> Vec<u8> {
        let mut file = vec![0; 64 + 2 * 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (file[18], file[32], file[54], file[56]) = (machine, 64, 56, 2);
        (file[64], file[64 + 56]) = (kinds[0], kinds[1]);
        file
    }

    #[test]
    fn a_program_that_needs_a_loader_is_told_from_one_that_does_not() {
        assert!(is_static(&elf(62, [1, 2]), "amd64"));
        assert!(is_static(&elf(183, [1, 2]), "arm64"));
        assert!(!is_static(&elf(62, [1, 3]), "amd64"));
        assert!(!is_static(&elf(62, [1, 2]), "arm64"));
        assert!(!is_static(&elf(62, [1, 2]), "s390x"));
        assert!(!is_static(&elf(62, [1, 2])[..100], "amd64"));
        assert!(!is_static(b"#!/bin/sh", "amd64"));
    }

    #[test]
    #[cfg(unix)]
    fn it_is_looked_for_beside_the_real_executable() {
        let place = tempfile::TempDir::new().unwrap();
        let (plugin, linked) = (place.path().join("kubectl-stateful"), place.path().join("bin"));
        fs::write(&plugin, b"").unwrap();
        std::os::unix::fs::symlink(&plugin, &linked).unwrap();
        assert!(matches!(beside(&linked, "amd64"), Err(NoMover::Missing(_))));
        let mover = place.path().join("kubectl-stateful-mover-linux-amd64");
        fs::write(&mover, b"#!/bin/sh").unwrap();
        assert!(matches!(beside(&linked, "amd64"), Err(NoMover::Unfit { .. })));
        fs::write(&mover, elf(62, [1, 1])).unwrap();
        assert_eq!(beside(&linked, "amd64").unwrap(), fs::canonicalize(mover).unwrap());
    }
}
