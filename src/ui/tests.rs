use std::sync::Arc;

use super::*;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ui(width: Option<usize>, verbosity: Verbosity) -> (Ui, Buffer, Buffer) {
    let (out, err) = (Buffer::default(), Buffer::default());
    let screen = Screen { width, colour: false, unicode: true };
    (Ui::into_buffers(out.clone(), err.clone(), screen, verbosity), out, err)
}

#[test]
fn results_and_remarks_go_different_ways() {
    let (ui, out, err) = ui(None, Verbosity::Normal);
    assert_eq!(ui.print("db\n").unwrap(), Written::All);
    ui.status("reading");
    ui.warn("no nodes\u{1b}[2J");
    ui.error("refused\n  limit     1");
    ui.hint("try again");
    ui.detail("GET /version");
    assert_eq!(out.text(), "db\n");
    assert_eq!(err.text(), "reading\nwarning: no nodes\\u{1b}[2J\nerror: refused\n  limit     1\nhint: try again\n");
}

#[test]
fn quiet_keeps_warnings_and_errors() {
    let (ui, _, err) = ui(None, Verbosity::Quiet);
    ui.status("reading");
    ui.hint("try again");
    ui.warn("careful");
    ui.error("failed");
    assert_eq!(err.text(), "warning: careful\nerror: failed\n");
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let ui = Ui::into_buffers(Closed, Buffer::default(), Screen::PLAIN, Verbosity::Normal);
    assert_eq!(ui.print("db\n").unwrap(), Written::ReaderGone);
}

#[test]
fn elsewhere_than_on_a_terminal_screens_follow_each_other() {
    let (ui, out, _) = ui(None, Verbosity::Normal);
    let mut redraw = ui.redraw();
    let _ = redraw.draw("one\n", "12:00:00").unwrap();
    let _ = redraw.draw("two\n", "12:00:02").unwrap();
    drop(redraw);
    assert_eq!(out.text(), "--- 12:00:00\none\n\n--- 12:00:02\ntwo\n");
}

#[test]
fn on_a_terminal_a_screen_takes_the_place_of_the_one_before() {
    let (ui, out, _) = ui(Some(80), Verbosity::Normal);
    let mut redraw = ui.redraw();
    let _ = redraw.draw("one\nline\n", "12:00:00").unwrap();
    let first = out.text().len();
    let _ = redraw.draw("two\n", "12:00:02").unwrap();
    drop(redraw);
    assert!(out.text().starts_with(&"\n".repeat(24)));
    assert_eq!(&out.text()[first..], "\x1b[?2026h\x1b[Htwo\x1b[K\n\x1b[J\x1b[?2026l");
}

#[test]
fn a_screen_that_is_too_high_is_cut_while_it_changes_and_whole_at_the_end() {
    let (ui, out, _) = ui(Some(80), Verbosity::Normal);
    let screen = "line\n".repeat(30);
    let mut redraw = ui.redraw();
    let _ = redraw.draw(&screen, "").unwrap();
    assert!(out.text().contains("... 7 lines more: make the window higher"));
    let first = out.text().len();
    drop(redraw);
    assert_eq!(&out.text()[first..], &format!("\x1b[H\x1b[J{screen}"));
}

#[test]
fn the_locale_says_what_can_be_shown() {
    let with = |name: &'static str, value: &'static str| {
        size::speaks_unicode(move |asked| (asked == name).then(|| value.to_owned()))
    };
    assert!(with("LANG", "de_DE.UTF-8"));
    assert!(with("LC_ALL", "C.utf8"));
    assert!(!with("LC_ALL", "C") || cfg!(windows));
}

#[test]
fn progress_without_a_terminal_is_silent() {
    let (ui, out, err) = ui(None, Verbosity::Normal);
    let progress = ui.progress("reading pods");
    progress.set("asking db-0");
    drop(progress);
    assert_eq!((out.text(), err.text()), (String::new(), String::new()));
}
