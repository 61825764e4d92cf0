//! A first screen to look at while the rest is still being found out.

use std::io;
use std::time::Duration;

use super::{Progress, Ui, Written};
use crate::view::text;

/// A screen that would be replaced at once only flickers.
const PATIENCE: Duration = Duration::from_millis(400);

impl Ui {
    /// Waits for `work`. When that takes a while, and the draft fits the terminal, it is shown meanwhile and taken away
    /// again at the end, so that the final screen takes its place.
    ///
    /// # Errors
    /// When the terminal breaks.
    pub async fn meanwhile<T>(&self, progress: &Progress, draft: &str, work: impl Future<Output = T>) -> io::Result<T> {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(PATIENCE) => {}
        }
        let shown = self.height(draft);
        if let Some(rows) = shown
            && progress.suspend(|| self.print(draft))? == Written::All
        {
            let done = work.await;
            // Up to where the draft began, and clear everything below.
            let _: Written = progress.suspend(|| self.print(&format!("\x1b[{rows}A\r\x1b[J")))?;
            return Ok(done);
        }
        Ok(work.await)
    }

    /// Counts the rows that a screen takes; `None` when it does not fit, or there is no terminal.
    fn height(&self, screen: &str) -> Option<usize> {
        let (columns, rows) = self.size.now()?;
        let wrapped =
            |line: &str| text::width(&anstream::adapter::strip_str(line).to_string()).div_ceil(columns.max(1)).max(1);
        let height = screen.lines().map(wrapped).sum();
        // One row is the cursor's, one the progress line's.
        (height + 2 <= rows).then_some(height)
    }
}
