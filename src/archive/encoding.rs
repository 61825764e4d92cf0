//! How a file's bytes stand for characters: PowerShell's `>` writes UTF-16, other tools a byte order mark.

/// An encoding, known by a file's first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8 behind so many bytes of a mark.
    Utf8(usize),
    /// UTF-16, the lower byte first.
    LittleEndian,
    /// UTF-16, the higher byte first.
    BigEndian,
}

impl Encoding {
    /// Tells by the first bytes.
    pub(super) fn of(start: &[u8]) -> Self {
        match start {
            [0xef, 0xbb, 0xbf, ..] => Self::Utf8(3),
            [0xff, 0xfe, ..] => Self::LittleEndian,
            [0xfe, 0xff, ..] => Self::BigEndian,
            _ => Self::Utf8(0),
        }
    }

    /// Decodes a whole file; `None` if it is no text.
    pub(super) fn decode(self, bytes: Vec<u8>) -> Option<String> {
        let unit: fn([u8; 2]) -> u16 = match self {
            Self::Utf8(_) => return String::from_utf8(bytes).ok(),
            Self::LittleEndian => u16::from_le_bytes,
            Self::BigEndian => u16::from_be_bytes,
        };
        let (pairs, []) = bytes.as_chunks::<2>() else {
            return None;
        };
        // The first one is the mark.
        char::decode_utf16(pairs.iter().skip(1).map(|pair| unit(*pair))).collect::<Result<String, _>>().ok()
    }
}
