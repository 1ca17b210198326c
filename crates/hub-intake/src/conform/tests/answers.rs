//! Whole files as agencies write them, and the three answers to their errors.

use arrow::{array::AsArray, datatypes::Float64Type};
use hub_model::{Contract, OnError, Quality, Rule, UploadReport};

use super::{file_of, rows, run_csv, told};
use crate::{
    ConformedBatch, Format, IntakeOptions, KeptBack, KeptBackCsv, Language, Recognised, conform,
    conform_keeping, encoding::TextEncoding, report_csv,
};

fn river() -> Contract {
    Contract::parse(
        r#"{"fields":[
            {"name":"観測所","type":"string","role":"key","alias":"station"},
            {"name":"時刻","type":"datetime","role":"time","interval":"PT1H","label":"end","alias":"time"},
            {"name":"水位","type":"number","role":"value","unit":"m","alias":"level","constraints":{"minimum":-5,"maximum":20}},
            {"name":"品質","type":"string","role":"quality","quality_of":"水位","alias":"quality"},
            {"name":"流量","type":"number","role":"value","unit":"m3/s","alias":"flow"}],
           "primaryKey":["観測所","時刻"]}"#
            .as_bytes(),
    )
    .unwrap()
}

/// As an agency writes it: every cell means something, and two are wrong.
const WRECKED: &str = "観測所,時刻,水位,品質,流量\n\
    0101,令和6年5月1日 1時,１．２５,normal,\"1,234\"\n\
    0101,R6.5.1 2:00,▲0.5m,,12.5㎥/s\n\
    0101,2024/5/1 3:00,欠測,,×\n\
    0101,2024年5月1日4時00分,閉局,,///\n\
    0101,2024-05-01 05:00,150cm,normal,3\n\
    0101,2024/5/1 24:00,99,normal,－\n";

fn run(
    text: &str,
    contract: &Contract,
    on_error: OnError,
) -> (UploadReport, Vec<ConformedBatch>, Vec<KeptBack>) {
    let options = IntakeOptions { on_error, ..IntakeOptions::default() };
    let (mut batches, mut kept) = (Vec::new(), Vec::new());
    let report = conform_keeping(
        &Recognised::plain(file_of(text.as_bytes()), Format::Csv),
        contract,
        &options,
        &mut |batch| {
            batches.push(batch);
            Ok(())
        },
        &mut |rows| {
            kept.push(rows);
            Ok(())
        },
    )
    .unwrap();
    (report, batches, kept)
}

#[test]
fn a_wrecked_file_has_exactly_its_wrong_cells_told() {
    let (report, batches, _) = run(WRECKED, &river(), OnError::Reject);
    assert!(batches.is_empty() && !report.is_publishable());
    insta::assert_snapshot!(told(&report), @r#"
    6 水位 [150cm] Unit
      「水位」列の単位はmですが「150cm」の単位はcmです
      mに換算して書くか、単位の違う値は別の列にしてください
    7 水位 [99] Maximum
      「水位」列の「99」は、上限の20を超えています
      値を確かめてください。正しければ、契約の上限を見直してください
    2 in all
    "#);
    let changes: Vec<String> = report
        .changes
        .iter()
        .map(|change| {
            let first = &change.examples[0];
            let cell = first.cell.as_deref().unwrap_or("-");
            format!("{:?} {} {cell} {} → {}", change.kind, change.count, first.before, first.after)
        })
        .collect();
    insta::assert_snapshot!(changes.join("\n"), @r#"
    FullWidth 1 C2 １．２５ → 1.25
    Thousands 1 E2 1,234 → 1234
    MinusSign 1 C3 ▲0.5m → -0.5
    UnitInCell 2 C3 ▲0.5m → -0.5
    TimeForm 1 B5 2024年5月1日4時00分 → 2024-05-01 04:00
    JapaneseEra 2 B2 令和6年5月1日 1時 → 2024-05-01 01:00
    Hour24 1 B7 2024/5/1 24:00 → 2024-05-02 00:00
    MissingMark 5 C4 欠測 →
    "#);
    for (language, name) in [(Language::Japanese, "report_ja"), (Language::English, "report_en")] {
        let written = report_csv(&report, language, Vec::new()).unwrap();
        let written = String::from_utf8(written).unwrap();
        insta::assert_snapshot!(name, written.strip_prefix('\u{FEFF}').unwrap());
    }
}

#[test]
fn rows_are_kept_back_to_be_mended_and_sent_again() {
    let contract = river();
    let text = format!("{WRECKED}0101,2024-05-02 01:00,1,normal,1,6,7\n0102,,=1+1,normal,1\n");
    let (report, batches, kept) = run(&text, &contract, OnError::Quarantine);
    assert!(report.is_publishable() && !report.is_clean());
    assert_eq!((report.rows, report.kept_back, report.error_count, report.answered), (8, 4, 5, 5));
    let published = rows(&batches, &contract);
    assert_eq!(published.num_rows(), 4);
    let levels = published.column(2).as_primitive::<Float64Type>();
    assert_eq!(levels.iter().collect::<Vec<_>>(), [Some(1.25), Some(-0.5), None, None]);
    let first_rows: Vec<_> = batches.iter().map(|b| (b.first_row, b.batch.num_rows())).collect();
    assert_eq!(first_rows, [(2, 4)]);
    let numbers: Vec<_> = kept.iter().flat_map(|k| &k.rows).map(|row| row.row).collect();
    assert_eq!(numbers, [6, 7, 8, 9]);

    let mut csv = KeptBackCsv::new(Vec::new());
    for rows in &kept {
        csv.push(rows).unwrap();
    }
    let csv = String::from_utf8(csv.finish().unwrap()).unwrap();
    insta::assert_snapshot!(csv.strip_prefix('\u{FEFF}').unwrap(), @r#"
    観測所,時刻,水位,品質,流量,__元の行番号,__直すところ
    0101,2024-05-01 05:00,150cm,normal,3,6,「水位」列の単位はmですが「150cm」の単位はcmです。mに換算して書くか、単位の違う値は別の列にしてください
    0101,2024/5/1 24:00,99,normal,－,7,「水位」列の「99」は、上限の20を超えています。値を確かめてください。正しければ、契約の上限を見直してください
    0101,2024-05-02 01:00,1,normal,1,8,"見出しは5列ですが、この行は7列です。足りない列や余分なコンマがないか確かめてください。値の中のコンマは、値を引用符（""）で囲めば使えます",6,7
    0102,,'=1+1,normal,1,9,「時刻」列に値がありません。値を入れるか、この行を削ってください。この列は必須です / 「水位」列は数値ですが「=1+1」と書かれています。数を1つだけ、半角の数字で書いてください。「約」などの言い添えや範囲は、備考など別の列に書いてください
    "#);

    // Mended as a person would, it is a file of the same dataset, the added columns still in it.
    let mended: Vec<&str> =
        csv.lines().filter(|line| !line.starts_with("0101,2024-05-02")).collect();
    let mended = mended.join("\n").replace("150cm", "1.5").replace(",99,", ",1.99,");
    let mended = mended.replace("0102,,'=1+1", "0102,2024-05-02 02:00,2");
    let (again, _, _) = run(&mended, &contract, OnError::Reject);
    assert!(again.is_clean(), "{}", told(&again));
    assert_eq!(again.rows, 3);
}

#[test]
fn a_file_of_bad_rows_alone_publishes_nothing() {
    let text = "観測所,時刻,水位,品質,流量\n0101,いつか,1,normal,1\n";
    let (report, batches, kept) = run(text, &river(), OnError::Quarantine);
    assert!(batches.is_empty() && !report.is_publishable());
    assert_eq!(kept.len(), 1);
    // What is wrong with the header no row mends.
    let (report, batches, kept) = run(
        "観測所,時刻,水位,品質,流量,謎\n0101,2024-05-01 01:00,1,normal,1,1\n",
        &river(),
        OnError::Quarantine,
    );
    assert!(batches.is_empty() && kept.is_empty() && !report.is_publishable());
}

#[test]
fn values_are_flagged_where_there_is_a_column_to_say_so() {
    let contract = river();
    let (report, batches, _) = run(WRECKED, &contract, OnError::Flag);
    assert!(report.is_publishable(), "{}", told(&report));
    assert_eq!((report.flagged, report.answered, report.error_count), (2, 2, 2));
    let published = rows(&batches, &contract);
    let levels = published.column(2).as_primitive::<Float64Type>();
    let qualities = published.column(3).as_string::<i32>();
    let stored: Vec<_> = levels.iter().zip(qualities.iter()).collect();
    let doubtful = Some(Quality::Doubtful.as_str());
    assert_eq!(
        stored,
        [
            (Some(1.25), Some("normal")),
            (Some(-0.5), None),
            (None, Some("missing")),
            (None, Some("closed")),
            (None, doubtful),
            (Some(99.0), doubtful),
        ]
    );
    // Neither a key nor a value without a column for its quality can be flagged.
    let text = "観測所,時刻,水位,品質,流量\n,2024-05-01 01:00,1,normal,1\n0101,2024-05-01 02:00,1,normal,多い\n";
    let (report, batches, _) = run(text, &contract, OnError::Flag);
    assert!(batches.is_empty() && !report.is_publishable());
    insta::assert_snapshot!(told(&report), @r#"
    2 観測所 [-] Required
      「観測所」列に値がありません
      値を入れるか、この行を削ってください。この列は必須です。上のセルと結合されていたのなら、上と同じ値を入れてください
    3 流量 [多い] Type
      「流量」列は数値ですが「多い」と書かれています
      欠測なら空欄にするか、契約の missingValues に「多い」を加えてください。「疑わしい値」として受け取るには、契約に「流量」の品質の列（role: quality）を加えるか、quarantine を選んでください
    2 in all
    "#);
}

#[test]
fn codes_of_places_are_brought_to_one_form() {
    let contract = Contract::parse(
        r#"{"fields":[{"name":"市町村","type":"string","role":"place","code":"municipality","alias":"place"},
            {"name":"人口","type":"integer","role":"value","unit":"{person}","alias":"population"}]}"#
            .as_bytes(),
    )
    .unwrap();
    let (report, batches) = run_csv(
        "市町村,人口\nR01400,\"15,000人\"\n1400,1\n倶知安町,1\n014001,1\n小樽市,1\n",
        &contract,
    );
    assert!(report.is_clean(), "{}", told(&report));
    let codes = rows(&batches, &contract);
    let codes: Vec<_> =
        codes.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect();
    assert_eq!(codes, ["014001", "014001", "014001", "014001", "012033"]);
    let (report, _) = run_csv("市町村,人口\n014002,1\n架空町,1\n1.4E+05,1\n12106,1\n", &contract);
    insta::assert_snapshot!(told(&report), @r#"
    2 市町村 [014002] CheckDigit
      「市町村」列の「014002」は、検査数字（最後の桁）が合いません
      はじめの5桁が正しければ「014001」です。団体コードの一覧で確かめてください
    3 市町村 [架空町] KnownPlace
      「市町村」列の「架空町」は、市区町村のコードでも、知っている市町村の名前でもありません
      「014001」のように、6桁の全国地方公共団体コードで書いてください
    4 市町村 [1.4E+05] KnownPlace
      「市町村」列の「1.4E+05」は、市区町村のコードでも、知っている市町村の名前でもありません
      「014001」のように、6桁の全国地方公共団体コードで書いてください
    5 市町村 [12106] TwoReadings
      「市町村」列の「12106」は、「121061」とも「012106」（岩見沢市）とも読めます
      どちらの意味かがはっきりする書き方にしてください
    4 in all
    "#);
}

#[test]
fn an_id_that_a_spreadsheet_spoilt_is_told() {
    let contract = Contract::parse(
        r#"{"fields":[{"name":"法人番号","type":"string","role":"key","alias":"id"}]}"#.as_bytes(),
    )
    .unwrap();
    let (report, _) = run_csv("法人番号\n1.23E+12\n1234567890123\n", &contract);
    insta::assert_snapshot!(told(&report), @r#"
    2 法人番号 [1.23E+12] Lossless
      「法人番号」列の「1.23E+12」は、表計算ソフトが番号を指数の数値に変えたもので、下の桁が失われています
      元のデータに戻り、この列を「文字列」にしてから書き出し直してください
    1 in all
    "#);
}

#[test]
fn a_lost_byte_of_another_encoding_is_a_broken_cell() {
    let (header, _, _) = encoding_rs::SHIFT_JIS.encode("観測所,時刻,水位,品質,流量\n");
    let rows: &[u8] =
        b"01\xFF01,2024-05-01 01:00,1\xFF,normal,1\n0101,2024-05-01 02:00,1,normal,1\n";
    let file = file_of(&[header.as_ref(), rows].concat());
    let recognised = Recognised::encoded(file, TextEncoding::Cp932);
    let report =
        conform(&recognised, &river(), &IntakeOptions::default(), &mut |_| Ok(())).unwrap();
    let listed: Vec<_> = report.errors.iter().map(|e| (e.row.unwrap(), e.rule)).collect();
    assert_eq!(listed, [(2, Rule::Encoding), (2, Rule::Encoding)], "{}", told(&report));
}

#[test]
fn a_file_about_persons_is_refused_and_shows_none_of_them() {
    let contract = Contract::parse(
        r#"{"fields":[{"name":"氏名","type":"string"},{"name":"住所","type":"string","alias":"address"},
            {"name":"人数","type":"integer","alias":"count"}]}"#
            .as_bytes(),
    )
    .unwrap();
    for on_error in [OnError::Reject, OnError::Quarantine, OnError::Flag] {
        let (report, batches, kept) =
            run("氏名,住所,人数\n山田太郎,小樽市1-2-3,多い\n", &contract, on_error);
        assert!(batches.is_empty() && kept.is_empty() && !report.is_publishable());
        let shown = serde_json::to_string(&report).unwrap();
        assert!(!shown.contains("山田"), "{shown}");
        assert_eq!(report.errors.len(), 1);
        assert_eq!(report.errors[0].rule, Rule::PersonalData);
    }
    let file = Recognised::plain(file_of("氏名,住所\n山田太郎,小樽市\n".as_bytes()), Format::Csv);
    let error = crate::propose(&file, &IntakeOptions::default()).unwrap_err();
    assert!(error.text().is_some_and(|text| text.ja.contains("個人情報")), "{error}");
}

#[test]
fn missing_is_never_zero_and_a_listed_number_is_missing() {
    let contract = Contract::parse(
        r#"{"fields":[{"name":"雨量","type":"number","role":"value","alias":"rain"}],"missingValues":["","-9999"]}"#.as_bytes(),
    )
    .unwrap();
    let (report, batches) =
        run_csv("雨量\n-9999\n-9999.00\n－９９９９\n0\n×\n…\n\"\u{3000}\"\n", &contract);
    assert!(report.is_clean(), "{}", told(&report));
    let rain = rows(&batches, &contract);
    let rain: Vec<_> = rain.column(0).as_primitive::<Float64Type>().iter().collect();
    assert_eq!(rain, [None, None, None, Some(0.0), None, None, None]);
}

#[test]
fn rows_that_one_row_of_the_file_became_are_kept_back_one_by_one() {
    use crate::conform::faults::{ColumnFaults, Faults};
    let mut faults = Faults::new(usize::MAX);
    for field in [0, 1] {
        let mut column = ColumnFaults::new(usize::MAX);
        column.fail(0, crate::conform::fault::FaultKind::Type);
        column.fail(1, crate::conform::fault::FaultKind::Type);
        faults.add(field, column, |_| 7);
    }
    let (listed, _) = faults.finish();
    let order: Vec<_> = listed.iter().map(|fault| (fault.row, fault.field)).collect();
    assert_eq!(order, [(0, Some(0)), (0, Some(1)), (1, Some(0)), (1, Some(1))]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn every_row_is_given_out_or_kept_back(
        cells in proptest::collection::vec(("[0-9.,mcx▲R年-]{0,5}", "[ -~]{0,4}"), 0..40),
    ) {
        let mut text = String::from("観測所,時刻,水位,品質,流量\n");
        for (row, (level, station)) in cells.iter().enumerate() {
            let station = station.replace('"', "");
            text.push_str(&format!("{station},2024-05-{:02} 01:00,\"{level}\",,1\n", 1 + row % 31));
        }
        let contract = river();
        let total = |batches: &[ConformedBatch]| -> u64 {
            batches.iter().map(|batch| batch.batch.num_rows() as u64).sum()
        };
        let (report, batches, kept) = run(&text, &contract, OnError::Quarantine);
        let kept: u64 = kept.iter().map(|kept| kept.rows.len() as u64).sum();
        // Where every row has a column that the heading lacks, the file is refused whole.
        if report.errors.iter().any(|error| error.rule == Rule::UnknownColumn) {
            proptest::prop_assert_eq!((total(&batches), kept), (0, 0));
            return Ok(());
        }
        proptest::prop_assert_eq!(total(&batches) + kept, report.rows);
        proptest::prop_assert_eq!((kept, report.answered), (report.kept_back, report.error_count));
        let (report, batches, _) = run(&text, &contract, OnError::Flag);
        if report.is_publishable() {
            proptest::prop_assert_eq!(total(&batches), report.rows);
        }
    }
}

#[test]
fn a_mark_beside_a_broken_quality_is_one_error() {
    let mut text = "観測所,時刻,水位,品質,流量\n0101,2024-05-01 01:00,欠測,".as_bytes().to_vec();
    text.extend_from_slice(b"\xFF,1\n");
    let report = conform(
        &Recognised::plain(file_of(&text), Format::Csv),
        &river(),
        &IntakeOptions::default(),
        &mut |_| Ok(()),
    )
    .unwrap();
    assert_eq!((report.error_count, report.errors[0].rule), (1, Rule::Encoding));
}
