//! Which station and month, or day, a table is of.

use unicode_normalization::UnicodeNormalization;

use super::Kind;

/// A station and a month, or a day of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The part of Hokkaido or the prefecture, where it is said.
    pub(super) region: String,
    pub(super) station: String,
    pub(super) year: i32,
    pub(super) month: u32,
    /// Where the table is of one day.
    pub(super) day: Option<u32>,
}

/// The prefectures but Hokkaido, whose parts end in 地方.
const PREFECTURES: [&str; 46] = [
    "青森県",
    "岩手県",
    "宮城県",
    "秋田県",
    "山形県",
    "福島県",
    "茨城県",
    "栃木県",
    "群馬県",
    "埼玉県",
    "千葉県",
    "東京都",
    "神奈川県",
    "新潟県",
    "富山県",
    "石川県",
    "福井県",
    "山梨県",
    "長野県",
    "岐阜県",
    "静岡県",
    "愛知県",
    "三重県",
    "滋賀県",
    "京都府",
    "大阪府",
    "兵庫県",
    "奈良県",
    "和歌山県",
    "鳥取県",
    "島根県",
    "岡山県",
    "広島県",
    "山口県",
    "徳島県",
    "香川県",
    "愛媛県",
    "高知県",
    "福岡県",
    "佐賀県",
    "長崎県",
    "熊本県",
    "大分県",
    "宮崎県",
    "鹿児島県",
    "沖縄県",
];

/// Reads names such as `後志地方倶知安2020_1.csv`, `倶知安_2020-01.csv` or `倶知安 2020年1月.csv`, and of the
/// table of a day `倶知安2020_1_15.csv` or `倶知安_20200115.csv`.
pub(super) fn of_name(kind: Kind, name: &str) -> Option<Place> {
    let name: String = name.nfkc().collect();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).trim();
    let (rest, year, month, day) = if kind == Kind::Daily {
        let (rest, year, month) = year_and_month(stem)?;
        (rest, year, month, None)
    } else {
        let stem = stem.strip_suffix('日').unwrap_or(stem);
        let (rest, digits) = trailing_digits(stem);
        match digits.len() {
            8 => (rest, &digits[..4], &digits[4..6], Some(&digits[6..])),
            1 | 2 => {
                let rest = rest.strip_suffix(SEPARATORS)?;
                let (rest, year, month) = year_and_month(rest)?;
                (rest, year, month, Some(digits))
            }
            _ => return None,
        }
    };
    place(kind, rest, (year, month, day))
}

/// What separates a year, a month and a day in a name.
const SEPARATORS: [char; 6] = ['_', '-', ' ', '.', '年', '月'];

/// A year and a month at a name's end, and what stands before them.
fn year_and_month(stem: &str) -> Option<(&str, &str, &str)> {
    let stem = stem.strip_suffix('月').unwrap_or(stem);
    let (rest, digits) = trailing_digits(stem);
    match digits.len() {
        1 | 2 => {
            let (rest, year) = trailing_digits(rest.strip_suffix(SEPARATORS)?);
            Some((rest, year, digits))
        }
        6 => Some((rest, &digits[..4], &digits[4..])),
        _ => None,
    }
}

/// Reads titles such as `倶知安　2020年1月（日ごとの値）　主な要素` or `倶知安　2020年1月15日（1時間ごとの値）`.
pub(super) fn of_title(kind: Kind, title: &str) -> Option<Place> {
    let title: String = title.nfkc().collect();
    if !title.contains(kind.title()) {
        return None;
    }
    let (head, rest) = title.split_once('年')?;
    let (station, year) = trailing_digits(head);
    let (month, rest) = rest.split_once('月')?;
    let day = match kind {
        Kind::Daily => None,
        Kind::Hourly | Kind::TenMinutes => Some(rest.split_once('日')?.0.trim()),
    };
    place(kind, station, (year, month.trim(), day))
}

fn trailing_digits(text: &str) -> (&str, &str) {
    let head = text.trim_end_matches(|c: char| c.is_ascii_digit());
    text.split_at(head.len())
}

fn place(
    kind: Kind,
    station: &str,
    (year, month, day): (&str, &str, Option<&str>),
) -> Option<Place> {
    let trim = |text: &str| text.trim_matches(['_', '-', ' ', '　']).to_owned();
    let (region, station) = split_region(station);
    let (region, station) = (trim(region), trim(station));
    let year: i32 = (year.len() == 4).then(|| year.parse().ok())??;
    let month: u32 = month.parse().ok().filter(|month| (1..=12).contains(month))?;
    let day = day.map(|day| day.parse().ok().filter(|day| (1..=31).contains(day)));
    if day.is_some() != (kind != Kind::Daily) || day == Some(None) {
        return None;
    }
    let is_name = !station.is_empty() && !station.contains(|c: char| c.is_ascii_digit());
    (is_name && (1870..=2200).contains(&year)).then_some(Place {
        region,
        station,
        year,
        month,
        day: day.flatten(),
    })
}

fn split_region(name: &str) -> (&str, &str) {
    if let Some(at) = name.find("地方") {
        return name.split_at(at + "地方".len());
    }
    let prefecture = PREFECTURES.iter().find(|prefecture| name.starts_with(**prefecture));
    name.split_at(prefecture.map_or(0, |prefecture| prefecture.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_titles_say_where_and_when() {
        for (name, expected) in [
            ("後志地方倶知安2020_1.csv", Some(("後志地方", "倶知安", 2020, 1))),
            ("東京都東京2020_12.csv", Some(("東京都", "東京", 2020, 12))),
            ("京都府京都2020_12.csv", Some(("京都府", "京都", 2020, 12))),
            ("倶知安_2020-01.csv", Some(("", "倶知安", 2020, 1))),
            ("倶知安 ２０２０年１月.csv", Some(("", "倶知安", 2020, 1))),
            ("倶知安202002.csv", Some(("", "倶知安", 2020, 2))),
            (
                "網走・北見・紋別地方_紋別_2020_2.csv",
                Some(("網走・北見・紋別地方", "紋別", 2020, 2)),
            ),
            ("倶知安2020_13.csv", None),
            ("2020_1.csv", None),
            ("data.csv", None),
            ("倶知安.csv", None),
            ("", None),
        ] {
            let found = of_name(Kind::Daily, name);
            let found =
                found.as_ref().map(|p| (p.region.as_str(), p.station.as_str(), p.year, p.month));
            assert_eq!(found, expected, "{name}");
        }
        let title = of_title(Kind::Daily, "倶知安　2020年1月（日ごとの値）　主な要素").unwrap();
        assert_eq!((title.station.as_str(), title.year, title.month), ("倶知安", 2020, 1));
        assert_eq!(of_title(Kind::Daily, "倶知安　2020年1月"), None);
    }

    #[test]
    fn tables_of_a_day_say_which() {
        for (name, expected) in [
            ("倶知安2020_1_15.csv", Some((2020, 1, 15))),
            ("後志地方倶知安_2020-01-05.csv", Some((2020, 1, 5))),
            ("倶知安20200115.csv", Some((2020, 1, 15))),
            ("倶知安 2020年1月15日.csv", Some((2020, 1, 15))),
            ("倶知安2020_1.csv", None),
            ("倶知安2020_1_32.csv", None),
        ] {
            let found = of_name(Kind::Hourly, name);
            let found = found.map(|p| (p.station, p.year, p.month, p.day.unwrap()));
            let expected = expected.map(|(y, m, d)| ("倶知安".to_owned(), y, m, d));
            assert_eq!(found, expected, "{name}");
        }
        let title = of_title(Kind::TenMinutes, "倶知安　2020年1月15日（10分ごとの値）").unwrap();
        assert_eq!((title.month, title.day), (1, Some(15)));
        assert_eq!(of_title(Kind::Hourly, "倶知安　2020年1月15日（10分ごとの値）"), None);
    }
}
