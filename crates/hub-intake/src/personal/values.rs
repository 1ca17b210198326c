//! What the values of a file look like.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

use super::{Found, folded};
use crate::conform::normal::is_dash;

/// Headings that say that rows are organisations or facilities.
const ORGANISATIONS: [&str; 14] = [
    "名称",
    "施設",
    "団体",
    "事業所",
    "法人",
    "店舗",
    "会社",
    "機関",
    "学校",
    "窓口",
    "観測所",
    "地点",
    "主催",
    "facility",
];

/// Different values of a kind from which on a column is taken to hold that kind.
const ENOUGH: usize = 5;

/// How many values of a column are remembered.
const REMEMBERED: usize = 64;

/// Looks at some values of each column as the file is read.
#[derive(Debug)]
pub(crate) struct Sampler {
    names: Vec<String>,
    columns: Vec<Seen>,
    is_of_organisations: bool,
}

#[derive(Debug, Default)]
struct Seen {
    /// Not empty.
    values: u64,
    my_numbers: HashSet<Vec<u8>>,
    /// Twelve digits that are no My Number.
    other_numbers: u64,
    mobiles: HashSet<Vec<u8>>,
    emails: HashSet<Vec<u8>>,
}

impl Sampler {
    pub(crate) fn new(names: &[String]) -> Self {
        let folded = folded(names);
        let is_of_organisations =
            folded.iter().any(|name| ORGANISATIONS.iter().any(|word| name.contains(word)));
        let columns = names.iter().map(|_| Seen::default()).collect();
        Self { names: names.to_vec(), columns, is_of_organisations }
    }

    pub(crate) fn add(&mut self, column: usize, cell: &[u8]) {
        let Some(seen) = self.columns.get_mut(column) else { return };
        let wide: String;
        let cell = match std::str::from_utf8(cell) {
            Ok(text) if !text.is_ascii() && text.len() <= 160 => {
                wide = text.nfkc().map(|c| if is_dash(c) { '-' } else { c }).collect();
                wide.as_bytes().trim_ascii()
            }
            _ => cell.trim_ascii(),
        };
        if cell.is_empty() {
            return;
        }
        seen.values += 1;
        if !(10..=80).contains(&cell.len()) {
            return;
        }
        let remember = |values: &mut HashSet<Vec<u8>>, value: Vec<u8>| {
            if values.len() < REMEMBERED {
                values.insert(value);
            }
        };
        let abroad = cell.strip_prefix(b"+81");
        let local = abroad.map(|rest| [b"0", rest.trim_ascii()].concat());
        let written = local.as_deref().unwrap_or(cell);
        let is_between = |b: &u8| matches!(b, b'-' | b' ' | b'(' | b')');
        let digits: Vec<u8> = written.iter().copied().filter(|b| !is_between(b)).collect();
        if digits.iter().all(u8::is_ascii_digit) {
            match digits.len() {
                12 if is_my_number(&digits) => remember(&mut seen.my_numbers, digits),
                12 => seen.other_numbers += 1,
                11 if matches!(digits.get(..3), Some(b"090" | b"080" | b"070")) => {
                    remember(&mut seen.mobiles, digits);
                }
                _ => {}
            }
        } else if is_email(cell) {
            remember(&mut seen.emails, cell.to_vec());
        }
    }

    /// What the values so far say.
    pub(crate) fn verdict(&self) -> Option<Found> {
        for (seen, name) in self.columns.iter().zip(&self.names) {
            let found = |what| Some(Found { columns: vec![name.clone()], what });
            // One in eleven numbers checks by chance.
            if seen.my_numbers.len() >= ENOUGH && seen.other_numbers == 0 {
                return found(("マイナンバー", "My Numbers"));
            }
            let most = |values: &HashSet<Vec<u8>>| {
                values.len() >= ENOUGH
                    && (values.len() == REMEMBERED || values.len() as u64 * 5 >= seen.values * 4)
            };
            if self.is_of_organisations {
                continue;
            }
            if most(&seen.mobiles) {
                return found(("携帯電話の番号", "numbers of mobile phones"));
            }
            if most(&seen.emails) {
                return found(("メールアドレス", "e-mail addresses"));
            }
        }
        None
    }
}

/// Whether the last of twelve digits checks the others: 11 − (Σ digit·weight mod 11), or 0 where the rest
/// is at most 1, with the weights 2 to 7 and 2 to 6 from the right (総務省令第85号 第5条).
fn is_my_number(digits: &[u8]) -> bool {
    let [others @ .., check] = digits else { return false };
    let weights = (2..=7).chain(2..=6);
    let sum: u32 =
        others.iter().rev().zip(weights).map(|(d, weight)| u32::from(d - b'0') * weight).sum();
    let expected = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    // A single digit repeated is a filler and nobody's number.
    u32::from(check - b'0') == expected && others.iter().any(|digit| digit != check)
}

fn is_email(cell: &[u8]) -> bool {
    let Some(at) = cell.iter().position(|b| *b == b'@') else { return false };
    let (local, domain) = (&cell[..at], &cell[at + 1..]);
    !local.is_empty()
        && cell.is_ascii()
        && domain.contains(&b'.')
        && !domain.contains(&b'@')
        && cell.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn my_numbers_are_told_by_their_check_digit() {
        // Made by the formula; nobody's.
        let with_check = |head: u64| -> Vec<u8> {
            let head = format!("{head:011}");
            (b'0'..=b'9')
                .map(|check| [head.as_bytes(), &[check]].concat())
                .find(|number| is_my_number(number))
                .unwrap()
        };
        let columns = names(&["番号", "額"]);
        let mut sampler = Sampler::new(&columns);
        for head in 0..6 {
            sampler.add(0, &with_check(12_345_678_901 + head * 37));
            sampler.add(1, b"123456789012");
        }
        let found = sampler.verdict().unwrap();
        assert_eq!(found.columns, ["番号"]);
        assert!(found.error().value.is_none());
        // Instants of twelve digits do not all check.
        let mut sampler = Sampler::new(&columns);
        for minute in 0..60 {
            sampler.add(0, format!("2024050112{minute:02}").as_bytes());
        }
        assert_eq!(sampler.verdict(), None);
    }

    #[test]
    fn addresses_of_persons_are_told_from_those_of_organisations() {
        let fill = |columns: &[&str]| {
            let mut sampler = Sampler::new(&names(columns));
            for person in 0..8 {
                sampler.add(0, format!("person{person}@example.com").as_bytes());
                sampler.add(1, format!("090-1234-000{person}").as_bytes());
            }
            sampler.verdict()
        };
        assert!(fill(&["連絡", "回答"]).is_some());
        assert!(fill(&["x", "携帯"]).is_some());
        for form in ["０９０－１２３４－０００", "090‐1234−000", "+81 90-1234-000", "090(1234)000"]
        {
            let mut sampler = Sampler::new(&names(&["連絡"]));
            for person in 0..8 {
                sampler.add(0, format!("{form}{person}").as_bytes());
            }
            assert!(sampler.verdict().is_some(), "{form}");
        }
        assert_eq!(fill(&["メール", "電話", "施設名"]), None);
    }
}
