//! Files as agencies send them: what is found, what is read, what is left out.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::{
    FormatHint, IntakeOptions, Recognised, conform,
    conform::tests::file_of,
    decode::{self, Block, RowFault},
    recognise,
};

fn hint() -> FormatHint {
    FormatHint { file_name: Some("data.csv".to_owned()), ..FormatHint::default() }
}

/// What was decided of a file, its columns, and its rows as `row: cells`.
fn read(bytes: &[u8], hint: &FormatHint) -> String {
    let recognised = match recognise(file_of(bytes), hint) {
        Ok(recognised) => recognised,
        Err(error) => return format!("refused: {}", error.text().unwrap().ja),
    };
    read_recognised(&recognised)
}

fn read_recognised(recognised: &Recognised) -> String {
    let mut decoder = match decode::open(recognised, &IntakeOptions::default()) {
        Ok(decoder) => decoder,
        Err(error) => return format!("refused: {}", error.text().unwrap().ja),
    };
    let mut shown = String::new();
    let understood = decoder.understood();
    writeln!(shown, "{}", understood.encoding.unwrap_or_default()).unwrap();
    let layout = understood.layout.unwrap_or_default();
    if let Some(delimiter) = layout.delimiter {
        writeln!(shown, "delimiter {delimiter}").unwrap();
    }
    if let Some(quote) = layout.quote {
        writeln!(shown, "quote {quote}").unwrap();
    }
    if let Some((first, last)) = layout.header_rows {
        writeln!(shown, "header {first}-{last}").unwrap();
    }
    layout.notes.iter().for_each(|note| writeln!(shown, "- {}", note.ja).unwrap());
    let names: Vec<&str> = decoder.columns().iter().map(|column| column.name.as_str()).collect();
    writeln!(shown, "[{}]", names.join("|")).unwrap();
    while let Some(Block::Text(block)) = decoder.next_block().unwrap() {
        for row in 0..block.rows() {
            let cells: Vec<_> = (0..block.width)
                .map(|column| String::from_utf8_lossy(block.cell(row, column)).replace('\n', "⏎"))
                .collect();
            writeln!(shown, "{}: {}", block.lines[row], cells.join("|")).unwrap();
        }
        for broken in block.broken {
            let fault = match broken.fault {
                RowFault::Cells(cells) => format!("{cells} cells"),
                RowFault::TextAfterQuote => "text after quote".to_owned(),
            };
            writeln!(shown, "{}: broken, {fault}", broken.line).unwrap();
        }
    }
    for change in decoder.changes().finish() {
        let examples: Vec<String> = change
            .examples
            .iter()
            .map(|example| format!("{} {}", example.row.unwrap_or(0), example.before))
            .collect();
        writeln!(shown, "{:?} {} ({})", change.kind, change.count, examples.join("; ")).unwrap();
    }
    for warning in decoder.warnings() {
        writeln!(shown, "! {} {}", warning.row.unwrap_or(0), warning.message.ja).unwrap();
    }
    shown
}

fn text(text: &str) -> String {
    read(text.as_bytes(), &hint())
}

fn cp932(text: &str) -> Vec<u8> {
    let (bytes, _, lossy) = encoding_rs::SHIFT_JIS.encode(text);
    assert!(!lossy);
    bytes.into_owned()
}

#[test]
fn cp932_with_titles_and_notes() {
    let table = "令和5年度　観光入込客数,,,\r\n後志総合振興局,,,（単位：人）\r\n,,,\r\n市町村名,月,入込客数,宿泊客数\r\n余市町,4月,\"12,345\",678\r\n小樽市,4月,▲1,…\r\nニセコ町,4月,30,4\r\n合計,,\"12,374\",682\r\n,,,\r\n※宿泊客数は速報値。,,,\r\n出典：観光振興課,,,\r\n";
    insta::assert_snapshot!(read(&cp932(table), &hint()));
}

#[test]
fn unicode_text_of_excel() {
    let table = "\u{FEFF}観測所\t時刻\t水位(m)\r\n余市川\t2024/5/1 0:00\t1.5\r\n\"尻別川\n（蘭越）\"\t2024/5/1 0:00\t\"1,234\"\r\n";
    let bytes: Vec<u8> = table.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hint = FormatHint { file_name: Some("data.txt".to_owned()), ..FormatHint::default() };
    insta::assert_snapshot!(read(&bytes, &hint));
}

#[test]
fn semicolons_and_decimal_commas() {
    insta::assert_snapshot!(text("地点;水位;備考\n余市;1,5;\"a;b\"\n小樽;2,25;\n注：速報;;\n"));
}

#[test]
fn groups_of_headings_and_units() {
    insta::assert_snapshot!(text(
        "\
月別の交通量,,,,,\n\
,国道5号,,国道229号,,備考\n\
年月,小型,大型,小型,大型,\n\
,(台),(台),(台),(台),\n\
2024/4,100,20,30,4,\n\
2024/5,110,21,31,5,点検\n\
2024/6,120,22,32,6,\n"
    ));
    insta::assert_snapshot!(text(
        "\
地域,人口,人口,世帯,世帯\n\
地域,男,女,数,平均人員\n\
余市町,8000,9000,9000,1.9\n\
小樽市,50000,60000,60000,1.8\n"
    ));
    insta::assert_snapshot!(text(
        "\
市町村名,人口,,世帯数\n\
,男,女,\n\
余市町,8000,9000,9000\n\
小樽市,50000,60000,60000\n"
    ));
}

#[test]
fn titles_and_notes_over_merged_cells() {
    let table = "\
観光入込客数調査,観光入込客数調査,観光入込客数調査,観光入込客数調査
区分,区分,令和5年度,令和5年度
市町村,種別,上期,下期
余市町,日帰り,10,20
余市町,宿泊,30,40
小樽市,日帰り,50,60
注：速報値を含みます,注：速報値を含みます,注：速報値を含みます,注：速報値を含みます
";
    insta::assert_snapshot!(text(table));
    // No column of numbers tells the title from the headings.
    insta::assert_snapshot!(text(
        "施設一覧,施設一覧,施設一覧\n名称,住所,分類\nA館,余市町黒川,美術館\nB館,小樽市花園,図書館\n"
    ));
}

#[test]
fn years_as_headings() {
    insta::assert_snapshot!(text(
        "市町村,2019,2020,2021\n余市町,1,2,3\n小樽市,4,5,6\nニセコ町,7,8,9\n"
    ));
}

#[test]
fn pages_with_headings_again_and_columns_of_nothing() {
    insta::assert_snapshot!(text(
        "\
地点,,水位,,\n\
余市,,1,,\n\
小樽,,2,,\n\
地点,,水位,,\n\
倶知安,,3,,\n\
ニセコ,x,4,,\n\
,,,,\n"
    ));
}

#[test]
fn what_is_plain_stays_plain() {
    for plain in [
        "a,b\n1,2\n",
        "観測所,水位\n余市川,1\n小樽,2",
        "\n\nコード,名称,人口\n01,余市,\n02,小樽,3\n",
        "a,b,c\nx,,\ny,1,2\n",
        "a\n",
    ] {
        assert!(!text(plain).contains("header "), "{plain:?}: {}", text(plain));
    }
    // Faulty data below a full heading is data.
    insta::assert_snapshot!(text("a,b,c\nx,bad,1\ny,2,3\nz,4,5\nu,6,7\n"));
    insta::assert_snapshot!(text("a,b\nx,bad\ny,2\nz,4\n"));
}

#[test]
fn headings_that_are_empty_or_stand_twice_get_names() {
    insta::assert_snapshot!(text("コード,,水位,水位\n1,x,2,3\n2,y,4,5\n"));
}

#[test]
fn headings_can_be_named_by_the_sender() {
    let table = b"a,b\nc,d\n1,2\n3,4\n";
    let asked = |rows: &str| FormatHint { header_rows: Some(rows.to_owned()), ..hint() };
    insta::assert_snapshot!(read(table, &asked("2")));
    insta::assert_snapshot!(read(table, &asked("1-2")));
    for wrong in ["0", "x", "3-2", "900", "9"] {
        assert!(read(table, &asked(wrong)).starts_with("refused: 見出し"), "{wrong}");
    }
}

#[test]
fn encoding_and_delimiter_can_be_named_by_the_sender() {
    let odd = FormatHint {
        encoding: Some("sjis".to_owned()),
        delimiter: Some("tab".to_owned()),
        ..hint()
    };
    insta::assert_snapshot!(read(&cp932("ｱ,ｲ\tｳ\n1,2\t3\n"), &odd));
}

#[test]
fn cells_in_single_quotes_are_read_on_every_path_and_in_every_encoding() {
    let body = "'余市,本町','x',1\n'小樽','it''s',2\n'蘭越','2行\nの値',3\n";
    let rows = ["余市,本町|x|1", "小樽|it's|2", "蘭越|2行⏎の値|3"];
    for heading in ["観測所,備考,水位\n", "'観測所','備考','水位'\n"] {
        for (above, below) in [("", ""), ("水位の表\n\n", "'出典：町'\n")] {
            let file = format!("{above}{heading}{body}{below}");
            for line_end in ["\n", "\r\n"] {
                let file = file.replace('\n', line_end);
                for bytes in [file.clone().into_bytes(), cp932(&file)] {
                    let shown = read(&bytes, &hint()).replace('\r', "");
                    assert!(shown.contains("quote single"), "{shown}");
                    assert!(shown.contains("[観測所|備考|水位]"), "{shown}");
                    for row in rows {
                        assert!(shown.contains(&format!(": {row}\n")), "{shown}");
                    }
                    assert!(!shown.contains("broken"), "{shown}");
                }
            }
        }
    }
}

#[test]
fn apostrophes_are_read_as_they_stand() {
    let body = "'0123,it's,6'11\"\n'0456,O'Brien,5'\n0789,rock 'n' roll,'\n";
    let rows = ["'0123|it's|6'11\"", "'0456|O'Brien|5'", "0789|rock 'n' roll|'"];
    for (above, below) in [("", ""), ("身長の表\n\n", "出典：町\n")] {
        let file = format!("{above}番号,名前,身長\n{body}{below}");
        for bytes in [file.clone().into_bytes(), cp932(&file)] {
            let shown = read(&bytes, &hint());
            assert!(!shown.contains("quote"), "{shown}");
            for row in rows {
                assert!(shown.contains(&format!(": {row}\n")), "{shown}");
            }
        }
    }
}

#[test]
fn what_encloses_cells_can_be_named_by_the_sender() {
    let asked = |quote: &str| FormatHint { quote: Some(quote.to_owned()), ..hint() };
    let single = b"a,b\n'x','y'\n'z','w'\n";
    assert!(read(single, &hint()).contains("2: x|y\n"));
    assert!(read(single, &asked("double")).contains("2: 'x'|'y'\n"));
    let open = b"a,b\n\"x,y\nz,w\n";
    assert!(read(open, &hint()).starts_with("refused: 2行目で始まる引用符（\"）が"));
    let shown = read(open, &asked("none"));
    assert!(shown.contains("quote none") && shown.contains("2: \"x|y\n3: z|w\n"), "{shown}");
    assert!(read(b"a,b\n1,2\n'x,3\n", &asked("'")).contains("（'）が閉じられていません"));
    assert!(read(open, &asked("`")).contains("single"));
}

#[test]
fn columns_lined_up_with_spaces() {
    insta::assert_snapshot!(text(
        "地点    水位   流量\n余市川   1.5   20.1\n尻別川   0.5  101.0\n堀株川   2.5    3.0\n"
    ));
}

#[test]
fn rows_of_another_shape_below_titles_are_broken_rows() {
    insta::assert_snapshot!(text("題名\n\na,b,c\nx,1,2\ny,3\nz,4,5,6\n\"w\"w,7,8\nv,9,10\n"));
}

#[test]
fn a_byte_that_does_not_decode_is_a_reported_cell() {
    let mut bytes = cp932("観測の結果,\n\n地点,水位\n余市,1\n小樽,2\n");
    bytes.extend_from_slice(b"\x90\xFD,3\n");
    bytes.extend_from_slice(&cp932("倶知安,4\n出典：町\n"));
    for file in
        [bytes.clone(), bytes[bytes.iter().position(|b| *b == b'\n').unwrap() + 2..].to_vec()]
    {
        let recognised = recognise(file_of(&file), &hint()).unwrap();
        let contract = crate::conform::tests::contract(
            r#"{"name":"地点","type":"string"},{"name":"水位","type":"number"}"#,
        );
        let report =
            conform(&recognised, &contract, &IntakeOptions::default(), &mut |_| Ok(())).unwrap();
        assert_eq!((report.rows, report.error_count), (4, 1), "{:?}", report.errors);
        let error = &report.errors[0];
        assert_eq!(error.rule, hub_model::Rule::Encoding);
        assert_eq!(error.column.as_deref(), Some("地点"));
        assert!(error.cell.as_deref().unwrap().starts_with('A'));
        assert_eq!(report.encoding.as_deref(), Some("CP932 (Shift_JIS)"));
    }
}

#[test]
fn what_is_no_table_is_refused_plainly() {
    insta::assert_snapshot!(text(",,\n,,\n"));
    insta::assert_snapshot!(text("\n\n\n"));
}

proptest! {
    #[test]
    fn any_cells_are_read_without_panic_and_none_is_lost(
        rows in proptest::collection::vec(
            proptest::collection::vec("(|[0-9]{1,4}|水位|余市|計|※|注：a|\\(m\\)|2024/5/1|-)", 0..6), 0..25),
        asked in proptest::option::of(1u64..6),
    ) {
        let text: String = rows.iter().map(|row| format!("{}\n", row.join(","))).collect();
        let hint = FormatHint { header_rows: asked.map(|row| row.to_string()), ..hint() };
        let Ok(recognised) = recognise(file_of(text.as_bytes()), &hint) else { return Ok(()) };
        let Ok(mut decoder) = decode::open(&recognised, &IntakeOptions::default()) else {
            return Ok(());
        };
        let width = decoder.columns().len();
        let header = decoder.understood().layout.and_then(|layout| layout.header_rows);
        let header = header.map_or(1, |(first, last)| last + 1 - first);
        let mut given = 0;
        while let Some(Block::Text(block)) = decoder.next_block().unwrap() {
            prop_assert_eq!(block.width, width);
            prop_assert_eq!(block.spans.len(), block.rows() * width);
            given += block.rows() as u64 + block.broken.len() as u64;
        }
        let left_out: u64 = decoder.changes().finish().iter().map(|change| change.count).sum();
        // Every row is a heading, given out, or counted as left out; blank lines may be passed over.
        let all = rows.len() as u64;
        let blank = rows.iter().filter(|row| row.concat().is_empty()).count() as u64;
        prop_assert!(given + left_out + header <= all);
        prop_assert!(given + left_out + header + blank >= all, "{given} {left_out} {header} {blank} {all}");
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(recognised) = recognise(file_of(&bytes), &FormatHint::default())
            && recognised.format().has_rows()
            && let Ok(mut decoder) = decode::open(&recognised, &IntakeOptions::default())
        {
            while let Ok(Some(_)) = decoder.next_block() {}
        }
    }
}
