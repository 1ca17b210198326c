//! Whether a file looks as if it were about persons. The hub is for observations and aggregates, so that
//! such a file is refused as a whole, and its values are not shown.
//!
//! What facilities publish of themselves is no such thing: their names, addresses and telephones.

use std::collections::HashSet;

use hub_model::{CellError, Rule, Text};
use unicode_normalization::UnicodeNormalization;

use crate::{
    conform::{mapping::fold, normal::is_dash},
    show::show_text,
};

/// Headings that alone say that rows are persons.
const ALONE: [&str; 12] = [
    "個人番号",
    "マイナンバー",
    "mynumber",
    "患者id",
    "患者番号",
    "患者氏名",
    "患者名",
    "カルテ番号",
    "診察券番号",
    "被保険者番号",
    "保険証番号",
    "patientid",
];

/// Headings of names of persons.
const NAMES: [&str; 16] = [
    "氏名",
    "姓名",
    "お名前",
    "世帯主名",
    "児童名",
    "生徒名",
    "園児名",
    "利用者名",
    "申請者名",
    "本人名",
    "保護者名",
    "fullname",
    "firstname",
    "givenname",
    "surname",
    "lastname",
];

/// Headings that name persons where they stand alone, and something else within longer ones.
const WHOLE_NAMES: [&str; 4] = ["名前", "姓", "世帯主", "本人"];

/// Headings of days of birth, which nothing but persons has.
const BIRTHS: [&str; 5] = ["生年月日", "誕生日", "birthdate", "birthday", "dateofbirth"];

/// Headings that mean a person's name beside a day of birth, and a thing's otherwise.
const NAMES_OR_THINGS: [&str; 4] = ["name", "名", "カナ", "フリガナ"];

/// Words of those who speak for an organisation, whose names it may publish.
const OFFICES: [&str; 12] = [
    "代表",
    "管理者",
    "開設者",
    "責任者",
    "施設長",
    "園長",
    "校長",
    "院長",
    "所長",
    "担当",
    "理事長",
    "連絡先",
];

/// Headings of what is personal beside a name.
const BESIDE: [&str; 16] = [
    "住所",
    "電話",
    "携帯",
    "生年月日",
    "誕生日",
    "メール",
    "年齢",
    "年令",
    "性別",
    "address",
    "phone",
    "email",
    "birth",
    "続柄",
    "勤務先",
    "口座",
];

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

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The columns as the file names them.
    columns: Vec<String>,
    what: (&'static str, &'static str),
}

impl Found {
    pub(crate) fn text(&self) -> (Text, Text) {
        let columns: Vec<String> = self.columns.iter().map(|name| show_text(name)).collect();
        let (ja, en) = self.what;
        (
            Text::new(
                format!(
                    "個人情報と思われる列があります（{}：{ja}）。このファイルは受け取れません",
                    columns.join("・")
                ),
                format!(
                    "the file seems to hold personal data ({}: {en}) and can't be taken in",
                    columns.join(", ")
                ),
            ),
            Text::new(
                "この場は観測値や集計値のためのものです。個人に関わる列を除くか、人数などに集計してから送ってください",
                "the hub is for observations and aggregates; leave the columns about persons out, or send counts in their place",
            ),
        )
    }

    /// As an error of a report, which shows no value.
    pub(crate) fn error(&self) -> CellError {
        let (message, fix) = self.text();
        CellError {
            row: None,
            column: self.columns.first().map(|name| show_text(name)),
            cell: None,
            file: None,
            value: None,
            rule: Rule::PersonalData,
            message,
            fix,
        }
    }
}

/// What the headings say.
pub(crate) fn by_headings(names: &[String]) -> Option<Found> {
    let folded = folded(names);
    let found = |columns: Vec<usize>, what| {
        Some(Found { columns: columns.into_iter().map(|c| names[c].clone()).collect(), what })
    };
    if let Some(column) = folded.iter().position(|name| ALONE.contains(&name.as_str())) {
        return found(vec![column], ("本人を特定する番号や名前", "numbers or names of persons"));
    }
    let born = folded.iter().any(|name| BIRTHS.iter().any(|word| name.contains(word)));
    let is_named = |name: &String| {
        is_person(name) || (born && NAMES_OR_THINGS.iter().any(|word| name == word))
    };
    let person = folded.iter().position(is_named)?;
    let is_beside = |name: &String| {
        // Within a word `tel` is a part of hotel.
        let is_known = name.starts_with("tel") || BESIDE.iter().any(|word| name.contains(word));
        is_known && !OFFICES.iter().any(|word| name.contains(word))
    };
    let beside = folded.iter().position(is_beside)?;
    found(
        if beside == person { vec![person] } else { vec![person, beside] },
        ("人の名前と、連絡先や生年月日など", "names of persons with ways to reach or tell them"),
    )
}

fn folded(names: &[String]) -> Vec<String> {
    let plain = |name: &String| -> String {
        fold(name)
            .to_lowercase()
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-'))
            .collect()
    };
    names.iter().map(plain).collect()
}

fn is_person(name: &str) -> bool {
    let is_name = NAMES.iter().any(|word| name.contains(word)) || WHOLE_NAMES.contains(&name);
    // 氏名又は名称 is what permits are listed by.
    is_name && !name.contains("名称") && !OFFICES.iter().any(|word| name.contains(word))
}

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
    fn headings_of_persons_are_told_from_those_of_facilities() {
        for personal in [
            &["氏名", "住所"][..],
            &["No", "お名前", "電話番号"],
            &["申請者氏名", "生年月日", "金額"],
            &["個人番号", "所得"],
            &["患者ID", "検査値"],
            &["名前", "性別", "年齢"],
            &["Full Name", "e-mail"],
            &["Name", "Date of birth"],
            &["フリガナ", "生年月日"],
            &["氏　名", "住　所"],
            &["世帯主", "住所"],
            &["ｼﾒｲ氏名", "Ｅ－ｍａｉｌ"],
            &["First name", "Phone"],
            &["氏名", "ＴＥＬ"],
            &["氏名", "TEL/FAX", "年令"],
        ] {
            assert!(by_headings(&names(personal)).is_some(), "{personal:?}");
        }
        for public in [
            &["名称", "所在地_連結表記", "電話番号", "法人番号"][..],
            &["施設名", "住所", "電話番号", "代表者氏名"],
            &["観測所名", "所在地", "水位"],
            &["年月", "患者数", "年齢階級", "性別"],
            &["イベント名", "主催者", "連絡先名称", "連絡先電話番号"],
            &["地点名", "緯度", "経度"],
            &["医療機関名", "管理者氏名", "住所"],
            &["氏名又は名称", "住所", "許可番号"],
            &["世帯主の年齢階級", "性別", "世帯数"],
            &["患者_居住地", "患者_年代", "患者_性別"],
            &["氏名", "会派", "当選回数"],
            &["Name", "Address", "Phone"],
            &["名", "称", "住所"],
            &["講師氏名", "hotel", "連絡先電話番号"],
        ] {
            assert_eq!(by_headings(&names(public)), None, "{public:?}");
        }
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
