//! Values that the API writes in one way in protobuf and in another in JSON.

use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A moment: seconds and nanoseconds in protobuf, RFC 3339 in JSON.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl Time {
    /// Gives the moment; the API writes "never" as zero in protobuf.
    pub(super) fn timestamp(self) -> Option<Timestamp> {
        if self.seconds == 0 && self.nanos == 0 {
            return None;
        }
        Timestamp::new(self.seconds, self.nanos).ok()
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: Timestamp =
            text.parse().map_err(|_| D::Error::invalid_value(Unexpected::Str(&text), &"a time as in RFC 3339"))?;
        Ok(Self { seconds: at.as_second(), nanos: at.subsec_nanosecond() })
    }
}

/// A size or a number with a suffix: always text in protobuf, sometimes a bare number in JSON.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Quantity {
    #[prost(string, tag = "1")]
    text: String,
}

impl Quantity {
    /// Reads the quantity as a whole number of bytes, rounded up as Kubernetes does.
    pub(super) fn bytes(&self) -> Option<u64> {
        parse_bytes(&self.text)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumber).map(|text| Self { text })
    }
}

/// Multipliers of a quantity's suffix; two-letter ones first, for `Mi` ends in neither `M` nor `m`.
const SUFFIXES: &[(&str, f64)] = &[
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
];

/// Reads a quantity as Kubernetes writes it, as whole bytes; `None` when it is none or negative.
pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    let (number, factor) =
        SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor))).unwrap_or((text, 1.0));
    let bytes = (number.parse::<f64>().ok()? * factor).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    (bytes.is_finite() && (0.0..18e18).contains(&bytes)).then_some(bytes as u64)
}

/// A number or a text such as a percentage.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct IntOrString {
    #[prost(int64, tag = "1")]
    is_text: i64,
    #[prost(int32, tag = "2")]
    number: i32,
    #[prost(string, tag = "3")]
    text: String,
}

impl IntOrString {
    /// Writes it as the user did.
    pub(super) fn written(&self) -> String {
        if self.is_text == 0 { self.number.to_string() } else { self.text.clone() }
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumber).map(|text| Self { is_text: 1, number: 0, text })
    }
}

struct TextOrNumber;

impl Visitor<'_> for TextOrNumber {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        for (text, bytes) in [
            ("10Gi", Some(10 * 1024 * 1024 * 1024)),
            ("1.5Gi", Some(1_610_612_736)),
            ("500M", Some(500_000_000)),
            ("128974848", Some(128_974_848)),
            ("129e6", Some(129_000_000)),
            ("128974848000m", Some(128_974_848)),
            ("123Mi", Some(123 * 1024 * 1024)),
            ("1500m", Some(2)),
            ("", None),
            ("-1", None),
            ("NaN", None),
            ("lots", None),
        ] {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
    }

    #[test]
    fn a_number_or_text_keeps_its_spelling() {
        let read = |json: &str| serde_json::from_str::<IntOrString>(json).unwrap().written();
        assert_eq!(read("1"), "1");
        assert_eq!(read("\"25%\""), "25%");
        assert_eq!(IntOrString { is_text: 0, number: 2, text: String::new() }.written(), "2");
    }
}
