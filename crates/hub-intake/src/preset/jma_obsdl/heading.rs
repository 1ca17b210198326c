//! The rows above the data: which columns are of which station and element, and what each holds.

use super::{super::when::When, Kind};
use crate::rows::Row;

/// What the heading says.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) kind: Kind,
    /// How many rows it has, with what stands above it.
    pub(super) rows: usize,
    /// How many columns on the left hold the time.
    pub(super) lead: usize,
    /// Which of them is the first of a period's end.
    pub(super) end_at: Option<usize>,
    /// Which of them says the day of the week, which the date says already.
    pub(super) weekday_at: Option<usize>,
    /// The prefectures that stand above the stations, where the download has them.
    pub(super) prefectures: Vec<String>,
    pub(super) groups: Vec<Group>,
    pub(super) downloaded_at: Option<String>,
}

/// The columns of one station and element.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) station: String,
    /// Which of several stations of the same name, from 1.
    pub(super) order: usize,
    /// The element without its unit, with what it is compared to in brackets.
    pub(super) element: String,
    pub(super) unit: Unit,
    pub(super) columns: Columns,
}

/// Where the file has what.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) value: Option<usize>,
    pub(super) number: Option<usize>,
    pub(super) homogeneity: Option<usize>,
    pub(super) absent: Option<usize>,
    pub(super) occurred: Option<usize>,
    pub(super) occurred_number: Option<usize>,
    pub(super) direction: Option<usize>,
    pub(super) direction_number: Option<usize>,
}

/// A unit as the publisher writes it.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) label: String,
    /// Its UCUM code; empty where it has none.
    pub(super) code: &'static str,
    pub(super) sort: Sort,
    /// Whether no phenomenon means 0.
    pub(super) is_sum: bool,
}

/// What an element's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Number,
    Text,
    /// Each value tells by itself.
    Unknown,
}

/// The publisher's units with their UCUM codes.
const UNITS: &[(&str, &str, Sort)] = &[
    ("時間", "h", Sort::Number),
    ("分", "min", Sort::Number),
    ("日", "d", Sort::Number),
    ("回", "{times}", Sort::Number),
    ("cm", "cm", Sort::Number),
    ("mm", "mm", Sort::Number),
    ("m", "m", Sort::Number),
    ("km", "km", Sort::Number),
    ("m/s", "m/s", Sort::Number),
    ("hPa", "hPa", Sort::Number),
    ("％", "%", Sort::Number),
    ("%", "%", Sort::Number),
    ("℃", "Cel", Sort::Number),
    ("MJ/㎡", "MJ/m2", Sort::Number),
    ("MJ/m2", "MJ/m2", Sort::Number),
    ("kW/㎡", "kW/m2", Sort::Number),
    ("10分比", "{tenths}", Sort::Number),
    ("16方位", "", Sort::Text),
];

/// How many rows the heading of the time is looked for in.
const LABELLED_WITHIN: usize = 8;

/// The word with which a download begins.
const DOWNLOADED: &str = "ダウンロードした時刻";

/// What stands in the heading beside a value: its quality, and what else belongs to it.
const ATTRIBUTES: [&str; 3] = ["品質情報", "均質番号", "現象なし情報"];

impl Heading {
    /// Reads the heading off a file's first rows, among which is a row of data; None if it is not one.
    pub(super) fn find(rows: &[Row]) -> Option<Self> {
        let downloaded = rows.first()?.get(0).strip_prefix(DOWNLOADED);
        let from = usize::from(downloaded.is_some());
        let stations_at = (from..rows.len().min(6)).find(|at| !rows[*at].is_blank())?;
        let above = stations_at;
        let is_time = |label: &str| {
            label.starts_with('年') && label.chars().all(|c| "年月日時分半旬".contains(c))
        };
        // Where prefectures stand above the stations, the heading of the time tells which row is which.
        let labelled = (above..rows.len().min(LABELLED_WITHIN))
            .take_while(|at| rows[*at].get(0).is_empty() || is_time(rows[*at].get(0)))
            .find(|at| is_time(rows[*at].get(0)));
        let stations_at = labelled
            .and_then(|at| (above..at).rev().find(|at| !rows[*at].is_blank()))
            .unwrap_or(above);
        let mut prefectures: Vec<String> = rows[above..stations_at]
            .iter()
            .flat_map(Row::cells)
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect();
        prefectures.dedup();
        let elements_at = (stations_at + 1..rows.len()).find(|at| !rows[*at].is_blank())?;
        let (stations, elements) = (&rows[stations_at], &rows[elements_at]);
        let lead = (0..stations.len())
            .find(|at| !matches!(stations.get(*at), "" | "集計開始" | "集計終了"))?;
        let end_at = (0..lead).find(|at| stations.get(*at) == "集計終了");
        let start = end_at.unwrap_or(lead);
        let weekday_at = (0..start).find(|at| elements.get(*at) == "曜日");
        let time: Vec<usize> = (0..start).filter(|at| Some(*at) != weekday_at).collect();
        let label: String = time.iter().map(|at| elements.get(*at)).collect();
        let is_plain = label.is_empty() && downloaded.is_some();
        if lead == 0 || lead > 10 || !(is_time(&label) || is_plain) {
            return None;
        }
        let labels_end = (elements_at + 1..rows.len())
            .find(|at| (0..lead).any(|column| !rows[*at].get(column).is_empty()));
        let labels_end = labels_end.unwrap_or(rows.len());
        let labels = &rows[elements_at + 1..labels_end];
        let groups = groups(stations, elements, labels, lead);
        let is_element =
            |group: &Group| !group.unit.label.is_empty() || group.unit.sort != Sort::Unknown;
        if groups.is_empty() || (downloaded.is_none() && !groups.iter().any(is_element)) {
            return None;
        }
        let kind = kind(&label, end_at.is_some(), &time, &rows[labels_end..])?;
        let downloaded_at =
            downloaded.map(|rest| rest.trim_start_matches([':', '：']).trim().to_owned()).filter(
                |time| When::parse(time.rsplit_once(':').map_or(time, |(head, _)| head)).is_some(),
            );
        let rows = labels_end;
        Some(Self { kind, rows, lead, end_at, weekday_at, prefectures, groups, downloaded_at })
    }
}

/// What a row stands for: by the heading of its time, or by the first rows where that says nothing.
fn kind(label: &str, is_period: bool, time: &[usize], data: &[Row]) -> Option<Kind> {
    if is_period || label.contains('旬') {
        return Some(Kind::Period);
    }
    let times: Vec<When> = data
        .iter()
        .filter_map(|row| {
            let cells: Vec<&str> = time.iter().map(|column| row.get(*column)).collect();
            When::parse(&cells.join(" "))
        })
        .collect();
    let by_data = times.first().map(|when| match when {
        When { part: Some(_), .. } => Kind::Period,
        When { hour: Some(_), .. } => Kind::Hourly,
        When { day: Some(_), .. } => Kind::Daily,
        When { month: Some(_), .. } => Kind::Monthly,
        _ => Kind::Yearly,
    });
    Some(match label {
        "年月日時分" => Kind::TenMinutes,
        "年月日時" if times.iter().any(|when| when.minute != 0) => Kind::TenMinutes,
        "年月日時" => Kind::Hourly,
        "年月日" if by_data == Some(Kind::Period) => Kind::Period,
        "年月日" => Kind::Daily,
        "年月" if by_data == Some(Kind::Period) => Kind::Period,
        "年月" => Kind::Monthly,
        "年" => Kind::Yearly,
        "" => match by_data? {
            Kind::Hourly if times.iter().any(|when| when.minute != 0) => Kind::TenMinutes,
            kind => kind,
        },
        _ => return None,
    })
}

fn groups(stations: &Row, elements: &Row, labels: &[Row], lead: usize) -> Vec<Group> {
    let width = stations.len().max(elements.len());
    let mut groups: Vec<Group> = Vec::new();
    let (mut station, mut heading) = (String::new(), String::new());
    for column in lead..width {
        let mut words: Vec<&str> =
            labels.iter().map(|row| row.get(column)).filter(|word| !word.is_empty()).collect();
        if !stations.get(column).is_empty() && stations.get(column) != station {
            stations.get(column).clone_into(&mut station);
            heading.clear();
        }
        // Some writers put what a column holds where its element would stand.
        match elements.get(column) {
            "" => {}
            word if !heading.is_empty() && is_label(word) => words.push(word),
            word => word.clone_into(&mut heading),
        }
        if heading.is_empty() {
            continue;
        }
        let attribute = words.iter().copied().find(|word| ATTRIBUTES.contains(word));
        let beside = words.iter().copied().find(|word| matches!(*word, "時分" | "風向"));
        let compared = words.iter().copied().find(|word| !is_label(word));
        let (element, unit) = element(&heading, compared);
        let is_same = |group: &Group| group.station == station && group.element == element;
        let is_value = attribute.is_none() && beside.is_none();
        let last = groups.iter().rposition(is_same);
        let at = match last {
            Some(at) if !(is_value && groups[at].columns.value.is_some()) => at,
            _ => {
                let order = groups.iter().filter(|group| is_same(group)).count() + 1;
                let (station, columns) = (station.clone(), Columns::default());
                groups.push(Group { station, order, element, unit, columns });
                groups.len() - 1
            }
        };
        let columns = &mut groups[at].columns;
        let place = match (beside, attribute) {
            (None, None) => &mut columns.value,
            (None, Some("現象なし情報")) => &mut columns.absent,
            (None, Some("品質情報")) => &mut columns.number,
            (Some("時分"), None) => &mut columns.occurred,
            (Some("時分"), Some("品質情報")) => &mut columns.occurred_number,
            (Some("風向"), None) => &mut columns.direction,
            (Some("風向"), Some("品質情報")) => &mut columns.direction_number,
            (_, Some("均質番号")) => &mut columns.homogeneity,
            // Whether an extreme's phenomenon occurred is said beside its value already.
            _ => continue,
        };
        *place = place.or(Some(column));
    }
    groups.retain(|group| group.columns.value.is_some());
    groups
}

fn is_label(word: &str) -> bool {
    ATTRIBUTES.contains(&word) || matches!(word, "時分" | "風向")
}

/// An element's name and unit. What a value is compared to, such as `平年値(℃)`, is an element of its own.
fn element(heading: &str, compared: Option<&str>) -> (String, Unit) {
    let (name, mut unit) = split_unit(heading);
    let Some(compared) = compared else { return (name, unit) };
    let (compared, other) = split_unit(compared);
    if !other.label.is_empty() {
        unit = other;
    }
    (format!("{name}（{compared}）"), unit)
}

/// The unit is what stands in brackets at the end, if it is one.
fn split_unit(heading: &str) -> (String, Unit) {
    let closed = heading.strip_suffix([')', '）']);
    let split = closed.and_then(|head| head.rsplit_once(['(', '（']));
    if let Some((name, label)) = split
        && let Some((_, code, sort)) = UNITS.iter().find(|(known, ..)| *known == label)
    {
        let is_sum = matches!(*code, "h" | "cm" | "mm");
        return (name.to_owned(), Unit { label: label.to_owned(), code, sort: *sort, is_sum });
    }
    let is_text = heading.contains("天気概況") || heading == "風向";
    let sort = if is_text { Sort::Text } else { Sort::Unknown };
    (heading.to_owned(), Unit { label: String::new(), code: "", sort, is_sum: false })
}
