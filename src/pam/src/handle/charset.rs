//! The charset of the host program's locale.
//!
//! What we say is UTF-8. A program whose locale has another charset gets that, or plain
//! letters in place of what it does not have. Nothing is loaded for it: iconv would bring
//! code into the host program.

use std::borrow::Cow;
use std::ffi::CStr;

/// How the program writes text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// UTF-8, or none: a program that set no locale hands on the bytes that it gets, and
    /// those who read them (ssh, the terminals) expect UTF-8.
    Utf8,
    /// ISO 8859-1, whose 256 characters are the first of Unicode.
    Latin1,
    /// ISO 8859-15: the same but for eight, among them the euro sign.
    Latin9,
    /// Any other, of which we know no more than that ASCII is in it.
    Other,
}

impl Charset {
    /// The one of this process and thread, now.
    pub(crate) fn of_program() -> Self {
        // SAFETY: nl_langinfo gives a string that stays until the locale is set again.
        let name = unsafe {
            let name = libc::nl_langinfo(libc::CODESET);
            if name.is_null() {
                return Self::Utf8;
            }
            CStr::from_ptr(name).to_bytes()
        };
        Self::of_name(name)
    }

    fn of_name(name: &[u8]) -> Self {
        let plain: Vec<u8> = name
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .map(u8::to_ascii_uppercase)
            .collect();
        match plain.as_slice() {
            // The C locale of glibc has the name in the middle, that of musl UTF-8.
            b"UTF8" | b"ANSIX341968" | b"" => Self::Utf8,
            b"ISO88591" => Self::Latin1,
            b"ISO885915" => Self::Latin9,
            _ => Self::Other,
        }
    }

    /// UTF-8 text in this charset.
    pub(crate) fn encoded(self, text: &str) -> Cow<'_, [u8]> {
        if self == Self::Utf8 || text.is_ascii() {
            return Cow::Borrowed(text.as_bytes());
        }
        let mut bytes = Vec::with_capacity(text.len());
        for letter in text.chars() {
            match self.byte(letter) {
                Some(byte) => bytes.push(byte),
                None => bytes.extend_from_slice(plain(letter).as_bytes()),
            }
        }
        Cow::Owned(bytes)
    }

    /// Text of the C library, which is in this charset, as UTF-8.
    pub(crate) fn decoded(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8 | Self::Other => String::from_utf8_lossy(bytes).into_owned(),
            Self::Latin1 | Self::Latin9 => bytes.iter().map(|byte| self.letter(*byte)).collect(),
        }
    }

    fn byte(self, letter: char) -> Option<u8> {
        match self {
            _ if letter.is_ascii() => u8::try_from(letter).ok(),
            Self::Latin1 => u8::try_from(letter).ok(),
            Self::Latin9 => match NINE.iter().find(|(_, own)| *own == letter) {
                Some((byte, _)) => Some(*byte),
                None => u8::try_from(letter)
                    .ok()
                    .filter(|byte| !NINE.iter().any(|(own, _)| own == byte)),
            },
            Self::Utf8 | Self::Other => None,
        }
    }

    fn letter(self, byte: u8) -> char {
        let own = NINE.iter().find(|(own, _)| *own == byte);
        match own {
            Some((_, letter)) if self == Self::Latin9 => *letter,
            _ => char::from(byte),
        }
    }
}

/// Where ISO 8859-15 differs from ISO 8859-1.
const NINE: [(u8, char); 8] = [
    (0xA4, '€'),
    (0xA6, 'Š'),
    (0xA8, 'š'),
    (0xB4, 'Ž'),
    (0xB8, 'ž'),
    (0xBC, 'Œ'),
    (0xBD, 'œ'),
    (0xBE, 'Ÿ'),
];

/// The letters and signs of our catalogues in ASCII.
const fn plain(letter: char) -> &'static str {
    match letter {
        'Ä' => "Ae",
        'Ö' => "Oe",
        'Ü' => "Ue",
        'ä' => "ae",
        'ö' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' => "a",
        'À' | 'Á' | 'Â' => "A",
        'ç' => "c",
        'Ç' => "C",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'È' | 'É' | 'Ê' => "E",
        'í' | 'î' | 'ï' => "i",
        'Í' | 'Î' => "I",
        'ñ' => "n",
        'Ñ' => "N",
        'ó' | 'ô' => "o",
        'Ó' | 'Ô' => "O",
        'ù' | 'ú' | 'û' => "u",
        'Ú' | 'Û' => "U",
        'œ' => "oe",
        'Œ' => "OE",
        '’' | '‘' => "'",
        '“' | '”' | '„' | '«' | '»' => "\"",
        '–' | '—' => "-",
        '…' => "...",
        '€' => "EUR",
        '¿' | '¡' => "",
        '\u{a0}' | '\u{202f}' => " ",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_charsets() {
        for (name, charset) in [
            ("UTF-8", Charset::Utf8),
            ("utf8", Charset::Utf8),
            ("ANSI_X3.4-1968", Charset::Utf8),
            ("ISO-8859-1", Charset::Latin1),
            ("ISO-8859-15", Charset::Latin9),
            ("CP1252", Charset::Other),
            ("KOI8-R", Charset::Other),
        ] {
            assert_eq!(Charset::of_name(name.as_bytes()), charset, "{name}");
        }
        assert_eq!(Charset::of_program(), Charset::Utf8, "no locale was set");
    }

    #[test]
    fn each_charset_gets_what_it_has() {
        let text = "für „Zoé“ 5 € ж";
        assert_eq!(*Charset::Utf8.encoded(text), *text.as_bytes());
        assert_eq!(
            *Charset::Latin1.encoded(text),
            *b"f\xFCr \"Zo\xE9\" 5 EUR ?"
        );
        assert_eq!(
            *Charset::Latin9.encoded(text),
            *b"f\xFCr \"Zo\xE9\" 5 \xA4 ?"
        );
        assert_eq!(*Charset::Other.encoded(text), *b"fuer \"Zoe\" 5 EUR ?");
        assert_eq!(
            *Charset::Latin9.encoded("¤"),
            *b"?",
            "its place is the euro's"
        );
    }

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        for charset in [Charset::Latin1, Charset::Latin9] {
            let text = charset.decoded(&all);
            assert_eq!(*charset.encoded(&text), *all, "{charset:?}");
        }
        assert_eq!(Charset::Latin1.decoded(b"M\xE4r"), "Mär");
        assert_eq!(Charset::Utf8.decoded("Mär".as_bytes()), "Mär");
        assert_eq!(Charset::Other.decoded(b"M\xE4r"), "M\u{FFFD}r");
    }
}
