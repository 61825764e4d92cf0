//! Bytes in binary units: `0B`, `512B`, `2.4Gi`, `20Gi`.

const UNITS: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Writes a number of bytes with at most three digits that count.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut unit = 1_u128 << 10;
    for name in UNITS {
        let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
        if tenths < 100 && !tenths.is_multiple_of(10) {
            return format!("{}.{}{name}", tenths / 10, tenths % 10);
        }
        let whole = (u128::from(bytes) + unit / 2) / unit;
        // Rounding may reach the next unit: 1023.7Mi is 1Gi.
        if whole < 1024 {
            return format!("{whole}{name}");
        }
        unit <<= 10;
    }
    format!("{bytes}B")
}

/// Writes how much of something is used, in whole percent: `0%` only when it is nothing, `100%` only when it is full.
#[must_use]
pub fn percent(used: u64, of: u64) -> Option<String> {
    let exact = u128::from(used) * 100;
    let rounded = (exact + u128::from(of) / 2).checked_div(u128::from(of))?;
    let honest = match rounded {
        0 if used > 0 => 1,
        100 if used < of => 99,
        other => other,
    };
    Some(format!("{honest}%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_the_largest_unit_that_fits() {
        let gi = 1_u64 << 30;
        let written = [0, 1023, 1024, 1536, 18 << 20, (1 << 30) - 1, 20 * gi, 24 * gi / 10, 1536 * gi, u64::MAX]
            .map(bytes)
            .join(" ");
        assert_eq!(written, "0B 1023B 1Ki 1.5Ki 18Mi 1Gi 20Gi 2.4Gi 1.5Ti 16Ei");
    }

    #[test]
    fn percent_never_rounds_to_empty_or_full() {
        assert_eq!(percent(1, 1000).as_deref(), Some("1%"));
        assert_eq!(percent(999, 1000).as_deref(), Some("99%"));
        assert_eq!(percent(0, 1000).as_deref(), Some("0%"));
        assert_eq!(percent(1000, 1000).as_deref(), Some("100%"));
        assert_eq!(percent(1, 0), None);
    }
}
