//! Which columns the files have under which names, and the table they become.

use chrono::NaiveDate;
use hub_model::{Contract, FieldRole, FieldType, Label};

use super::{
    super::{
        column::{self, Describe, count, quality, text},
        heading::{Heading, cell},
        when,
    },
    Kind,
};
use crate::rows::Row;

/// The flags of a direction, in the order of the table.
const FLAGS: [(&str, &str); 4] = [
    ("停電", "power_cut"),
    ("ループ異常", "loop_fault"),
    ("超音波異常", "ultrasonic_fault"),
    ("欠測", "missing"),
];

/// What is said of every row, in the order of the table: the table's name, its alias, and other names.
const SAID: [(&str, &str, &[&str]); 4] = [
    ("収集時間フラグ", "collection_flag", &["収集時間フラグ（5分間／1時間）", "収集時間フラグ"]),
    ("地方整備局等番号", "bureau_code", &["地方整備局等番号"]),
    (
        "開発建設部／都道府県コード",
        "branch_code",
        &["開発建設部／都道府県コード", "開発建設部・都道府県コード"],
    ),
    ("道路種別", "road_kind", &["道路種別"]),
];

/// What only counters that see through a camera say.
const CAMERA: [(&str, &str); 10] = [
    ("カメラプリセット位置", "camera_preset"),
    ("気象影響による映像不良", "camera_weather"),
    ("照度不足", "camera_dark"),
    ("突発事象（交通事故等）", "camera_incident"),
    ("サーバの稼働", "camera_server"),
    ("カメラの映像受信", "camera_reception"),
    ("映像のデコード処理", "camera_decoding"),
    ("デコード映像から映像解析機能への取込加工処理の失敗", "camera_hand_over"),
    ("映像解析機能のフリーズ", "camera_frozen"),
    ("その他エラー", "camera_other"),
];

/// Names that are understood and need no column of their own.
const KNOWN: [&str; 10] = [
    "FID",
    "id",
    "時間コード",
    "ジオメトリ",
    "交通量",
    "color",
    "lat2",
    "lng2",
    "時間帯",
    "観測年月日",
];

/// Where a direction's cells are.
#[derive(Debug, Clone)]
pub(super) struct Direction {
    pub(super) word: &'static str,
    /// Small, large, unclassified.
    pub(super) volumes: [Option<usize>; 3],
    pub(super) total: Option<usize>,
    /// As in [`FLAGS`].
    pub(super) flags: [Option<usize>; 4],
}

/// Where a file's cells are.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) counter: Option<usize>,
    pub(super) day: Option<usize>,
    pub(super) clock: Option<usize>,
    pub(super) time_code: Option<usize>,
    pub(super) flag: Option<usize>,
    /// How many intervals a day's sums are made of.
    pub(super) count: Option<usize>,
    pub(super) directions: [Direction; 2],
    said: [Option<usize>; 4],
    latitude: Option<usize>,
    longitude: Option<usize>,
    geometry: Option<usize>,
    camera: [Option<usize>; 10],
    /// Names of columns that the table has no place for.
    pub(super) unused: Vec<String>,
}

impl Columns {
    /// The columns, where a row is this layout's heading.
    pub(super) fn find(row: &Row) -> Option<Self> {
        let heading = Heading::of(row);
        let directions = [direction(&heading, "上り")?, direction(&heading, "下り")?];
        let columns = Self {
            counter: Some(heading.find(&["常時観測点コード"])?),
            day: Some(heading.find(&["観測年月日"])?),
            clock: heading.find(&["時間帯"]),
            time_code: heading.find(&["時間コード"]),
            flag: heading.find(SAID[0].2),
            count: heading.find(&["count", "件数", "取得区間数"]),
            directions,
            said: SAID.map(|(_, _, names)| heading.find(names)),
            latitude: heading.find(&["lat", "緯度", "latitude"]),
            longitude: heading.find(&["lng", "lon", "経度", "longitude"]),
            geometry: heading.find(&["ジオメトリ"]),
            camera: CAMERA.map(|(name, _)| heading.find(&[name])),
            unused: Vec::new(),
        };
        let mut used = vec![false; heading.names().len()];
        let both = columns.directions.iter();
        let cells = both.flat_map(|d| d.volumes.iter().chain(&d.flags).chain([&d.total]));
        let single = [
            columns.counter,
            columns.day,
            columns.flag,
            columns.count,
            columns.latitude,
            columns.longitude,
        ];
        for column in cells.chain(&single).chain(&columns.said).chain(&columns.camera).flatten() {
            used[*column] = true;
        }
        let known = heading.find_each(&KNOWN);
        let unused = (0..used.len())
            .filter(|column| !used[*column] && !known.contains(column))
            .map(|column| row.get(column).to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        Some(Self { unused, ..columns })
    }

    /// The row's day and time, where the cells that give it are understood and agree.
    pub(super) fn time(&self, row: &Row) -> Option<(NaiveDate, (u32, u32))> {
        let code = cell(row, self.time_code);
        let by_code = code.get(..8).and_then(when::day).zip(code.get(8..).and_then(when::clock));
        let split = when::day(cell(row, self.day)).zip(when::clock(cell(row, self.clock)));
        match (split, by_code) {
            (Some(split), Some(by_code)) => (split == by_code).then_some(split),
            (Some(time), None) if code.is_empty() => Some(time),
            (None, Some(time)) if cell(row, self.clock).is_empty() => Some(time),
            _ => None,
        }
    }

    /// Latitude and longitude.
    pub(super) fn place(&self, row: &Row) -> (String, String) {
        if self.latitude.is_none()
            && let Some((latitude, longitude)) = point(cell(row, self.geometry))
        {
            return (latitude, longitude);
        }
        (cell(row, self.latitude).to_owned(), cell(row, self.longitude).to_owned())
    }

    /// What is said of every row, in the order of the table.
    pub(super) fn said<'r>(&self, row: &'r Row) -> [&'r str; 4] {
        self.said.map(|column| cell(row, column))
    }

    pub(super) fn camera<'r>(&self, row: &'r Row) -> [&'r str; 10] {
        self.camera.map(|column| cell(row, column))
    }

    /// Whether the camera or what is behind it was in trouble.
    pub(super) fn trouble(&self, row: &Row) -> bool {
        self.camera[1..].iter().any(|column| !matches!(cell(row, *column), "" | "0"))
    }
}

fn direction(heading: &Heading, word: &'static str) -> Option<Direction> {
    let find = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("{word}・{name}")).collect();
        heading.find(&names.iter().map(String::as_str).collect::<Vec<_>>())
    };
    Some(Direction {
        word,
        volumes: [
            Some(find(&["小型交通量", "小型交通量（集計値）"])?),
            Some(find(&["大型交通量", "大型交通量（集計値）"])?),
            Some(find(&[
                "車種判別不能交通量",
                "車種判別不能交通量（集計値）",
                "小型大型判別不能交通量（集計値）",
                "小型大型判別不能交通量",
            ])?),
        ],
        total: find(&["交通量", "自動車交通量（集計値）", "自動車交通量"]),
        flags: FLAGS.map(|(name, _)| find(&[name])),
    })
}

/// The first point of `MULTIPOINT ((lon lat))`, as latitude and longitude.
fn point(text: &str) -> Option<(String, String)> {
    let inside = text.rsplit_once("((").map_or_else(|| text.split_once('('), Some)?.1;
    let (point, _) = inside.split_once(')')?;
    let (longitude, latitude) = point.split(',').next()?.trim().split_once(' ')?;
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    (is_number(latitude) && is_number(longitude))
        .then(|| (latitude.trim().to_owned(), longitude.trim().to_owned()))
}

/// The flags that are raised, for people.
pub(super) fn shown_flags(flags: [&str; 4]) -> String {
    let raised: Vec<String> = FLAGS
        .iter()
        .zip(flags)
        .filter(|(_, flag)| !matches!(*flag, "" | "0"))
        .map(|((name, _), flag)| format!("{name}={flag}"))
        .collect();
    if raised.is_empty() { "映像の異常".to_owned() } else { raised.join(" ") }
}

pub(super) fn contract(kind: Kind) -> Contract {
    let (unit, time) = match kind {
        Kind::FiveMinutes => ("{vehicles}/(5.min)", instants("PT5M")),
        Kind::Hourly => ("{vehicles}/h", instants("PT1H")),
        Kind::Daily => (
            "{vehicles}/d",
            column::time("観測年月日", "date", FieldType::Date, Some(("P1D", Label::Start))),
        ),
    };
    let time_name = time.name.clone();
    let mut direction = text("方向", "direction").role(FieldRole::Key).described(
        "上りは路線の起点に向かう方向。 上り is toward the route's origin, 下り away from it.",
    );
    direction.constraints.allowed = Some(vec!["上り".into(), "下り".into()]);
    let mut fields = vec![
        text("常時観測点コード", "counter_id").role(FieldRole::Key).pattern("[0-9]{4,10}"),
        time,
        direction,
        count("小型交通量", "small").value(unit),
        count("大型交通量", "large").value(unit),
        count("車種判別不能交通量", "unclassified").value(unit),
        count("交通量", "total").value(unit).described(
            "全車種。公表値、なければ車種別の和。 All classes: as published, or the sum of the classes.",
        ),
        quality("交通量の品質", "total_quality", "交通量").required(),
        quality("車種別交通量の品質", "class_quality", "大型交通量").required().described(
            "超音波異常のときは、すべて車種判別不能に数えられるので doubtful。 \
             Doubtful where the ultrasonic fault puts every vehicle among the unclassified.",
        ),
    ];
    if kind == Kind::Daily {
        fields.push(count("観測区間数", "intervals_present").unit("1").described(
            "合計に入った区間の数（欠測を除く）。 Intervals that the sums are made of, without missing ones.",
        ));
        fields.push(count("1日の区間数", "intervals_expected").unit("1"));
    }
    fields.extend(FLAGS.iter().map(|(name, alias)| count(name, alias)));
    fields.extend(SAID.iter().map(|(name, alias, _)| text(name, alias)));
    fields.push(column::latitude("緯度", "latitude"));
    fields.push(column::longitude("経度", "longitude"));
    fields.extend(CAMERA.iter().map(|(name, alias)| text(name, alias)));
    let primary_key = vec!["常時観測点コード".to_owned(), time_name, "方向".to_owned()];
    Contract { fields, primary_key, missing_values: vec![String::new()] }
}

fn instants(interval: &str) -> hub_model::Field {
    column::time("観測日時", "time", FieldType::Datetime, Some((interval, Label::Start)))
}
