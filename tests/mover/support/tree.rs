//! Random trees, and random things that happen to them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat};

use super::dice::Dice;

/// Blocks of the mover are this long; sizes around it are the interesting ones.
const BLOCK: usize = 128 * 1024;

/// A volume under change.
pub(crate) struct Tree {
    root: PathBuf,
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
    others: Vec<PathBuf>,
    is_root: bool,
    made: usize,
}

impl Tree {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            directories: vec![root.to_owned()],
            files: Vec::new(),
            others: Vec::new(),
            is_root: rustix::process::geteuid().is_root(),
            made: 0,
        }
    }

    /// Makes a tree of so many entries.
    pub(crate) fn grow(&mut self, dice: &mut Dice, entries: usize) {
        for _ in 0..entries {
            match dice.below(12) {
                0 | 1 => self.directory(dice),
                2..=7 => self.file(dice),
                8 => self.hard_link(dice),
                9 => self.symlink(dice),
                10 => self.special(dice),
                _ => self.socket(dice),
            }
        }
        self.describe(dice, entries / 2);
    }

    /// Does so many things to it.
    pub(crate) fn change(&mut self, dice: &mut Dice, times: usize) {
        for _ in 0..times {
            match dice.below(12) {
                0..=2 => self.overwrite(dice),
                3 => self.resize(dice),
                4 => self.remove(dice),
                5 => self.rename(dice),
                6 => self.replace(dice),
                7 => self.punch(dice),
                8 => self.turn_into_another_kind(dice),
                9 => self.grow(dice, 2),
                10 => self.unlink_a_link(dice),
                _ => self.describe(dice, 2),
            }
        }
    }

    fn name(&mut self, dice: &mut Dice) -> PathBuf {
        let holder = self.directories[dice.below(self.directories.len())].clone();
        self.made += 1;
        let odd: [&[u8]; 8] =
            [b"plain", b" ", b"-rf", b"new\nline", b"\xff\xfe\x80", "ümlaut".as_bytes(), b"*?[\\", b"lost+found"];
        let mut name = odd[dice.below(odd.len())].to_vec();
        if dice.once_in(20) {
            name.resize(240, b'x');
        }
        name.extend_from_slice(self.made.to_string().as_bytes());
        holder.join(OsString::from_vec(name))
    }

    fn directory(&mut self, dice: &mut Dice) {
        let path = self.name(dice);
        fs::create_dir(&path).unwrap();
        self.directories.push(path);
    }

    fn file(&mut self, dice: &mut Dice) {
        let path = self.name(dice);
        let file = File::create(&path).unwrap();
        let sizes = [0, 1, 4096, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5, 9 * BLOCK];
        let size = sizes[dice.below(sizes.len())];
        file.set_len(size as u64).unwrap();
        if size > 0 {
            // Some parts stay holes.
            for _ in 0..dice.below(4) {
                let at = dice.below(size);
                let length = (1 + dice.below(2 * BLOCK)).min(size - at);
                file.write_all_at(&dice.bytes(length), at as u64).unwrap();
            }
            if dice.once_in(3) {
                file.write_all_at(&vec![0; size.min(BLOCK)], 0).unwrap();
            }
        }
        self.files.push(path);
    }

    fn hard_link(&mut self, dice: &mut Dice) {
        if let Some(path) = self.pick(dice) {
            let further = self.name(dice);
            fs::hard_link(path, &further).unwrap();
            self.files.push(further);
        }
    }

    fn symlink(&mut self, dice: &mut Dice) {
        let path = self.name(dice);
        let targets = ["/etc/passwd", "../../..", "dangling", "plain1", "\u{7f}"];
        symlink(targets[dice.below(targets.len())], &path).unwrap();
        self.others.push(path);
    }

    fn special(&mut self, dice: &mut Dice) {
        let path = self.name(dice);
        let (kind, device) = match dice.below(3) {
            1 if self.is_root => (FileType::CharacterDevice, rustix::fs::makedev(1, 3)),
            2 if self.is_root => (FileType::BlockDevice, rustix::fs::makedev(7, 1_000)),
            _ => (FileType::Fifo, 0),
        };
        mknodat(CWD, &path, kind, Mode::from_raw_mode(0o640), device).unwrap();
        self.others.push(path);
    }

    fn socket(&mut self, dice: &mut Dice) {
        let path = self.name(dice);
        mknodat(CWD, &path, FileType::Socket, Mode::from_raw_mode(0o600), 0).unwrap();
        self.others.push(path);
    }

    fn pick(&self, dice: &mut Dice) -> Option<PathBuf> {
        if self.files.is_empty() { None } else { Some(self.files[dice.below(self.files.len())].clone()) }
    }

    fn describe(&mut self, dice: &mut Dice, times: usize) {
        for _ in 0..times {
            let all = self.directories.len() + self.files.len();
            let at = dice.below(all);
            let path = self.directories.get(at).unwrap_or_else(|| &self.files[at - self.directories.len()]).clone();
            let is_file = at >= self.directories.len();
            if self.is_root && dice.once_in(2) {
                let id = |dice: &mut Dice| Some(u32::try_from(dice.below(70_000)).unwrap());
                std::os::unix::fs::lchown(&path, id(dice), id(dice)).unwrap();
            }
            let modes: &[u32] =
                if is_file { &[0o644, 0o600, 0o4755, 0o2770, 0o400, 0o444] } else { &[0o755, 0o1777, 0o2775, 0o700] };
            fs::set_permissions(&path, fs::Permissions::from_mode(modes[dice.below(modes.len())])).unwrap();
            let name = ["user.a", "user.kubectl", "user.empty"][dice.below(3)];
            let length = dice.below(3) * 100;
            rustix::fs::lsetxattr(&path, name, &dice.bytes(length), XattrFlags::empty()).unwrap();
            if self.is_root && dice.once_in(3) {
                // Version 2 of the format; user, owner entry, one named user, group, mask, others.
                let entries: [(u16, u16, u32); 5] =
                    [(1, 6, u32::MAX), (2, 4, 1_234), (4, 4, u32::MAX), (16, 6, u32::MAX), (32, 0, u32::MAX)];
                let mut list = 2_u32.to_le_bytes().to_vec();
                for (tag, permissions, id) in entries {
                    list.extend([tag.to_le_bytes(), permissions.to_le_bytes()].concat());
                    list.extend(id.to_le_bytes());
                }
                let kind =
                    if is_file || dice.once_in(2) { "system.posix_acl_access" } else { "system.posix_acl_default" };
                rustix::fs::lsetxattr(&path, kind, &list, XattrFlags::empty()).unwrap();
            }
            if dice.once_in(2) {
                let time = std::time::UNIX_EPOCH + std::time::Duration::new(dice.next() % (1 << 31), 123_456_789);
                File::open(&path).unwrap().set_modified(time).unwrap();
            }
        }
    }

    fn opened(&self, dice: &mut Dice) -> Option<(File, usize)> {
        let file = OpenOptions::new().write(true).open(self.pick(dice)?).ok()?;
        let size = usize::try_from(file.metadata().unwrap().len()).unwrap();
        Some((file, size))
    }

    fn overwrite(&mut self, dice: &mut Dice) {
        if let Some((file, size)) = self.opened(dice).filter(|(_, size)| *size > 0) {
            let at = dice.below(size);
            let length = (1 + dice.below(9_000)).min(size - at);
            file.write_all_at(&dice.bytes(length), at as u64).unwrap();
        }
    }

    fn resize(&mut self, dice: &mut Dice) {
        if let Some((file, size)) = self.opened(dice) {
            file.set_len(dice.below(2 * size + BLOCK) as u64).unwrap();
        }
    }

    fn punch(&mut self, dice: &mut Dice) {
        if let Some((file, size)) = self.opened(dice).filter(|(_, size)| *size > 0) {
            let at = dice.below(size) as u64;
            let flags = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
            rustix::fs::fallocate(&file, flags, at, 2 * BLOCK as u64).unwrap();
        }
    }

    fn remove(&mut self, dice: &mut Dice) {
        if dice.once_in(4) && self.directories.len() > 2 {
            let directory = self.directories[1 + dice.below(self.directories.len() - 1)].clone();
            fs::remove_dir_all(&directory).unwrap();
            for list in [&mut self.directories, &mut self.files, &mut self.others] {
                list.retain(|path| !path.starts_with(&directory));
            }
        } else if !self.files.is_empty() {
            let at = dice.below(self.files.len());
            fs::remove_file(self.files.swap_remove(at)).unwrap();
        }
    }

    fn rename(&mut self, dice: &mut Dice) {
        if !self.files.is_empty() {
            let (at, onto) = (dice.below(self.files.len()), self.name(dice));
            fs::rename(&self.files[at], &onto).unwrap();
            self.files[at] = onto;
        }
    }

    /// As databases do it: a new file under the old name, which may have been one of several.
    fn replace(&mut self, dice: &mut Dice) {
        if let Some(path) = self.pick(dice) {
            let new = self.name(dice);
            fs::write(&new, dice.bytes(BLOCK + 17)).unwrap();
            fs::rename(new, path).unwrap();
        }
    }

    fn turn_into_another_kind(&mut self, dice: &mut Dice) {
        if !self.files.is_empty() {
            let at = dice.below(self.files.len());
            let path = self.files.swap_remove(at);
            fs::remove_file(&path).unwrap();
            if dice.once_in(2) {
                fs::create_dir(&path).unwrap();
                self.directories.push(path);
            } else {
                symlink(path.file_name().unwrap().as_bytes().escape_ascii().to_string(), &path).unwrap();
                self.others.push(path);
            }
        } else if let Some(path) = self.others.pop() {
            fs::remove_file(&path).unwrap();
            fs::write(&path, b"a file now").unwrap();
            self.files.push(path);
        }
    }

    fn unlink_a_link(&mut self, dice: &mut Dice) {
        if self.others.is_empty() {
            return;
        }
        let at = dice.below(self.others.len());
        let path = self.others.swap_remove(at);
        fs::remove_file(&path).unwrap();
        fs::write(&path, dice.bytes(100)).unwrap();
        self.files.push(path);
    }

    /// Says what it is about, for a failure.
    pub(crate) fn describe_size(&self) -> String {
        format!("{}: {} files, {} directories", self.root.display(), self.files.len(), self.directories.len())
    }
}
