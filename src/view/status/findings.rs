//! What is wrong, worst first: what was seen, why it matters, what to type next.

use crate::analyze::report::Report;
use crate::model::Severity;
use crate::view::paragraph::{self, Paragraph};
use crate::view::style::{CARE, CRITICAL, PLAIN, QUIET};
use crate::view::{Layout, Screen, Width};

/// Writes the findings in the order of the report.
pub(super) fn write(out: &mut String, report: &Report, layout: Layout, screen: &Screen) {
    let Some(longest) = report.findings.iter().map(|finding| finding.severity.word().len()).max() else { return };
    out.push('\n');
    let indent = longest + 2;
    let blank = " ".repeat(indent);
    for finding in &report.findings {
        let lead = format!("{:indent$}", finding.severity.word());
        let lead_style = match finding.severity {
            Severity::Critical => CRITICAL,
            Severity::Warning => CARE,
            Severity::Note => QUIET,
        };
        let message = match layout.width {
            Width::Default => finding.message.clone(),
            Width::Wide => format!("{} [{}]", finding.message, finding.code.as_str()),
        };
        Paragraph { lead: &lead, lead_style, body: &message, body_style: PLAIN, indent }.write(out, screen);
        if !finding.why.is_empty() {
            Paragraph { lead: &blank, lead_style: PLAIN, body: &finding.why, body_style: QUIET, indent }
                .write(out, screen);
        }
        if let Some(next) = &finding.next {
            paragraph::command(out, indent, next, screen);
        }
    }
}
