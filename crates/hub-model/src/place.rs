//! Municipalities by their codes and by the names that agencies write: the six digits with their check
//! digit, and the variants of names in Hokkaido.
//!
//! Joins are on codes. A name becomes a code only where it can mean one municipality; what is not known
//! stays as it was written, for a person to look at.

mod mesh;
mod table;

use unicode_normalization::UnicodeNormalization;

pub use mesh::{MeshBounds, MeshCell};
use table::{AMBIGUOUS, BLOCKS, DISTRICTS, HOKKAIDO, OLD_FORMS};

/// A municipality of Hokkaido.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Municipality {
    number: u32,
    /// Its name without its district, such as `倶知安町`.
    pub name: &'static str,
}

impl Municipality {
    /// Every municipality of Hokkaido, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        HOKKAIDO.iter().map(|(number, name)| Self { number: *number, name })
    }

    /// The municipality that a name means: with its prefecture and district or without, in old forms of
    /// characters, in half width, with the 二 of kanji for the ニ of kana.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = plain(name);
        let name = name.strip_prefix("北海道").unwrap_or(&name);
        let name = name.split_once("振興局").map_or(name, |(_, town)| town);
        let (district, town) = match name.split_once('郡') {
            Some((district, town)) => (Some(district), town),
            None => (None, name),
        };
        let found = Self::all().find(|known| plain(known.name) == town)?;
        // Two places are called 泊村; a district that is not its own means another place.
        let districts = DISTRICTS.iter().find(|(number, _)| *number == found.number);
        match (district, districts) {
            (Some(written), Some((_, own))) if written != *own => None,
            _ => Some(found),
        }
    }

    /// The municipality of a code in any of the forms that [`municipality_code`] reads.
    pub fn by_code(code: &str) -> Option<Self> {
        let code = municipality_code(code)?;
        let number: u32 = code.get(..5)?.parse().ok()?;
        Self::all().find(|known| known.number == number)
    }

    /// The block of Shiribeshi that it belongs to; none outside of Shiribeshi.
    pub fn block(self) -> Option<&'static str> {
        BLOCKS.iter().find(|(_, numbers)| numbers.contains(&self.number)).map(|(block, _)| *block)
    }

    /// Six digits, the last a check digit.
    pub fn code(self) -> String {
        with_check_digit(self.number)
    }
}

/// A code of a municipality or a prefecture as six digits, the last a check digit. Read are `014001`,
/// `01400`, `R01400`, and what is left of them where a leading zero was lost: `14001`, `1400`. None where
/// the check digit is wrong, and where five digits are both a municipality of Hokkaido that lost its zero and
/// one of elsewhere that has no check digit: `12203` may be 士別市 or 市川市.
pub fn municipality_code(text: &str) -> Option<String> {
    let text: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let marked = text.strip_prefix(['R', 'r']);
    let digits = marked.unwrap_or(&text);
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u32 = digits.parse().ok()?;
    let checked = |value: u32| {
        let code = with_check_digit(value / 10);
        (code.as_bytes()[5] == b'0' + (value % 10) as u8 && is_prefecture(value / 10))
            .then_some(code)
    };
    match digits.len() {
        6 => checked(value),
        5 if marked.is_some() => plausible(value),
        5 if AMBIGUOUS.contains(&value) => None,
        // Five digits are a code without its check digit, unless they are a municipality of Hokkaido with one
        // that lost its zero, or no municipality has such a number: then that was lost, too.
        5 => match (checked(value), value % 1000) {
            (code, 1..100 | 700..) => code,
            (Some(code), _) if is_of_hokkaido(value / 10) => Some(code),
            _ => plausible(value),
        },
        4 => plausible(value),
        _ => None,
    }
}

fn plausible(number: u32) -> Option<String> {
    is_prefecture(number).then(|| with_check_digit(number))
}

fn is_of_hokkaido(number: u32) -> bool {
    HOKKAIDO.binary_search_by_key(&number, |(known, _)| *known).is_ok()
}

fn is_prefecture(number: u32) -> bool {
    (1..=47).contains(&(number / 1000))
}

/// The check digit of a code's first five digits; a sixth is not looked at. None where it is no code.
pub fn municipality_check_digit(code: &str) -> Option<char> {
    let code: String = code.nfkc().collect();
    let known = matches!(code.len(), 5 | 6) && code.bytes().all(|b| b.is_ascii_digit());
    let number = code.get(..5).filter(|_| known)?.parse().ok()?;
    with_check_digit(number).pop()
}

/// The sum of the digits times 6 to 2, taken from 11 by its remainder; the last digit of that.
fn with_check_digit(number: u32) -> String {
    let code = format!("{number:05}");
    let sum: u32 = code.bytes().zip([6, 5, 4, 3, 2]).map(|(b, w)| u32::from(b - b'0') * w).sum();
    format!("{code}{}", (11 - sum % 11) % 10)
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    let name: String = name
        .nfkc()
        .filter(|c| !c.is_whitespace())
        .map(|c| OLD_FORMS.iter().find(|(old, _)| *old == c).map_or(c, |(_, new)| *new))
        .collect();
    name.replace("二セコ", "ニセコ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_every_form_and_checked() {
        for text in ["014001", "01400", "R01400", "14001", "1400", "０１４００１", " 014001 "]
        {
            assert_eq!(municipality_code(text).as_deref(), Some("014001"), "{text}");
        }
        for (text, expected) in
            [("12033", "012033"), ("13919", "013919"), ("11002", "011002"), ("01000", "010006")]
        {
            assert_eq!(municipality_code(text).as_deref(), Some(expected), "{text}");
        }
        // 13101 is a ward of Tokyo without its check digit, not Hokkaido with one.
        assert_eq!(municipality_code("13101").as_deref(), Some("131016"));
        for text in ["", "014002", "994001", "0140010", "R0140", "R014001x", "x1400", "-1400", "12"]
        {
            assert_eq!(municipality_code(text), None, "{text}");
        }
    }

    #[test]
    fn a_lost_zero_makes_no_other_municipality() {
        let mut unknown = Vec::new();
        for municipality in Municipality::all() {
            let code = municipality.code();
            assert_eq!(municipality_code(&code[..5]).as_deref(), Some(code.as_str()));
            match municipality_code(&code[1..]) {
                Some(read) => assert_eq!(read, code),
                None => unknown.push(municipality.name),
            }
        }
        // 美浜区 in 千葉市, 市川市, 成田市, 流山市, いすみ市, 大井町, 長岡市, 刈羽村 and 上市町 have those numbers.
        let twice = [
            "岩見沢市",
            "士別市",
            "名寄市",
            "三笠市",
            "根室市",
            "雨竜町",
            "幌延町",
            "置戸町",
            "士幌町",
        ];
        assert_eq!(unknown, twice);
        // With their check digits these are told apart, and others than Hokkaido's are what they were.
        for (text, expected) in [
            ("122033", "122033"),
            ("012203", "012203"),
            ("R12203", "122033"),
            ("12204", "122041"),
            ("27100", "271004"),
        ] {
            assert_eq!(municipality_code(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_region_s_codes_have_the_check_digits_that_are_published() {
        for (code, name) in [
            ("012033", "小樽市"),
            ("013919", "島牧村"),
            ("013927", "寿都町"),
            ("013935", "黒松内町"),
            ("013943", "蘭越町"),
            ("013951", "ニセコ町"),
            ("013960", "真狩村"),
            ("013978", "留寿都村"),
            ("013986", "喜茂別町"),
            ("013994", "京極町"),
            ("014001", "倶知安町"),
            ("014010", "共和町"),
            ("014028", "岩内町"),
            ("014036", "泊村"),
            ("014044", "神恵内村"),
            ("014052", "積丹町"),
            ("014061", "古平町"),
            ("014079", "仁木町"),
            ("014087", "余市町"),
            ("014095", "赤井川村"),
        ] {
            let found = Municipality::by_name(name).unwrap();
            assert_eq!((found.code().as_str(), found.name), (code, name));
            assert_eq!(Municipality::by_code(code), Some(found));
        }
        assert_eq!(Municipality::all().count(), 179);
    }

    #[test]
    fn every_municipality_of_the_region_is_in_one_block() {
        let count = |block: &str| Municipality::all().filter(|m| m.block() == Some(block)).count();
        assert_eq!([count("北後志"), count("岩宇・南後志"), count("羊蹄山麓")], [6, 7, 7]);
        assert_eq!(Municipality::by_name("札幌市").unwrap().block(), None);
    }

    #[test]
    fn a_check_digit_is_of_the_first_five() {
        assert_eq!(municipality_check_digit("01400"), Some('1'));
        assert_eq!(municipality_check_digit("014009"), Some('1'));
        assert_eq!(municipality_check_digit("０１２０３"), Some('3'));
        for none in ["", "1400", "0140010", "0140x"] {
            assert_eq!(municipality_check_digit(none), None, "{none}");
        }
    }

    #[test]
    fn names_are_known_in_their_variants() {
        for (name, code) in [
            ("俱知安町", "014001"),
            ("倶知安町", "014001"),
            ("虻田郡倶知安町", "014001"),
            ("北海道虻田郡俱知安町", "014001"),
            ("二セコ町", "013951"),
            ("ﾆｾｺ町", "013951"),
            ("虻田郡　ニセコ町", "013951"),
            ("古宇郡泊村", "014036"),
            ("餘市町", "014087"),
            ("後志総合振興局余市町", "014087"),
            ("岩見澤市", "012106"),
        ] {
            let found = Municipality::by_name(name).map(Municipality::code);
            assert_eq!(found.as_deref(), Some(code), "{name}");
        }
        for name in ["", "国後郡泊村", "倶知安", "横浜市", "東京都清水町", "町"] {
            assert_eq!(Municipality::by_name(name), None, "{name}");
        }
    }
}
