//! Spans of time as kubectl writes them: `45s`, `4m`, `2h5m`, `3d`.

/// Writes a span: two units while they matter, one otherwise.
#[must_use]
pub fn seconds(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const YEAR: u64 = 365 * DAY;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => pair(seconds, MINUTE, "m", 1, "s"),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => pair(seconds, HOUR, "h", MINUTE, "m"),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => pair(seconds, DAY, "d", HOUR, "h"),
        _ if seconds < 2 * YEAR => format!("{}d", seconds / DAY),
        _ if seconds < 8 * YEAR => pair(seconds, YEAR, "y", DAY, "d"),
        _ => format!("{}y", seconds / YEAR),
    }
}

fn pair(seconds: u64, unit: u64, sign: &str, lesser: u64, lesser_sign: &str) -> String {
    let (whole, rest) = (seconds / unit, seconds % unit / lesser);
    if rest == 0 { format!("{whole}{sign}") } else { format!("{whole}{sign}{rest}{lesser_sign}") }
}

/// Writes a delay: `0s` only when it is nothing, tenths below one second, then like [`seconds`].
#[must_use]
pub fn delay(milliseconds: u64) -> String {
    match milliseconds {
        0 => "0s".to_owned(),
        1..=900 => format!("0.{}s", milliseconds.div_ceil(100)),
        901..1000 => "1s".to_owned(),
        _ => seconds(milliseconds / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_kubectl_does() {
        let written =
            [0, 119, 120, 245, 600, 7500, 10_800, 11_100, 30_000, 200_000, 900_000, 70_000_000].map(seconds).join(" ");
        assert_eq!(written, "0s 119s 2m 4m5s 10m 125m 3h 3h5m 8h 2d7h 10d 2y80d");
    }

    #[test]
    fn only_nothing_is_zero() {
        assert_eq!([0, 1, 100, 101, 950, 1000, 4999].map(delay).join(" "), "0s 0.1s 0.1s 0.2s 1s 1s 4s");
    }
}
