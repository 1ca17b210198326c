//! Files in the encodings that agencies write.

use std::io::Write;

use proptest::prelude::*;

use super::*;

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn told(bytes: &[u8]) -> Option<TextEncoding> {
    tell(&mut file_of(bytes)).unwrap().first().map(|guess| guess.encoding)
}

fn text_of(bytes: &[u8], encoding: TextEncoding) -> Vec<u8> {
    let mut text = Vec::new();
    encoding.read(file_of(bytes)).unwrap().read_to_end(&mut text).unwrap();
    text
}

fn utf16(text: &str, mark: bool, big: bool) -> Vec<u8> {
    let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

/// The text in every encoding that is told by itself.
fn in_all(text: &str) -> Vec<(TextEncoding, Vec<u8>)> {
    let by = |encoding: TextEncoding| (encoding, encoding.decoded_by().encode(text).0.into_owned());
    vec![
        by(TextEncoding::Utf8),
        (TextEncoding::Utf8Bom, ["\u{FEFF}", text].concat().into_bytes()),
        (TextEncoding::Utf16Le, utf16(text, true, false)),
        (TextEncoding::Utf16Le, utf16(text, false, false)),
        (TextEncoding::Utf16Be, utf16(text, true, true)),
        (TextEncoding::Utf16Be, utf16(text, false, true)),
        by(TextEncoding::Cp932),
        by(TextEncoding::EucJp),
        by(TextEncoding::Iso2022Jp),
    ]
}

const TABLE: &str = "観測所,水位(m)\r\n余市川～①㈱髙﨑－,1.5\r\n尻別川,2.25\r\n";

#[test]
fn each_encoding_is_told_and_gives_the_same_text() {
    for (encoding, bytes) in in_all(TABLE) {
        // ISO-2022-JP has no characters of IBM's extension; the others must keep all of them.
        if encoding == TextEncoding::Iso2022Jp {
            let (_, bytes) = (0, TABLE.replace(['髙', '﨑'], "高"));
            let (bytes, _, lossy) = encoding_rs::ISO_2022_JP.encode(&bytes);
            assert!(!lossy);
            assert_eq!(told(&bytes), Some(encoding));
            continue;
        }
        assert_eq!(told(&bytes), Some(encoding));
        assert_eq!(String::from_utf8(text_of(&bytes, encoding)).unwrap(), TABLE, "{encoding:?}");
    }
}

#[test]
fn the_whole_file_tells() {
    let rows = "0101,2024-05-01 00:00,1.5\r\n".repeat(100_000);
    for (encoding, last) in in_all("0101,欠測\r\n") {
        if matches!(encoding, TextEncoding::Cp932 | TextEncoding::EucJp | TextEncoding::Utf8) {
            let bytes = [rows.as_bytes(), &last].concat();
            assert_eq!(told(&bytes), Some(encoding));
        }
    }
    assert_eq!(told(rows.as_bytes()), Some(TextEncoding::Utf8));
}

#[test]
fn half_width_kana_are_told_from_euc() {
    let table = "ｺｰﾄﾞ,ｶﾝｿｸｼﾞｮ\r\n01,ﾖｲﾁ\r\n02,ﾆｾｺ\r\n03,ｵﾀﾙ\r\n";
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(table);
    assert_eq!(told(&bytes), Some(TextEncoding::Cp932));
    let (bytes, _, _) = encoding_rs::EUC_JP.encode("漢字,気温\r\n余市,1\r\n");
    assert_eq!(told(&bytes), Some(TextEncoding::EucJp));
}

#[test]
fn a_stray_byte_changes_nothing_but_its_own_cell() {
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(TABLE);
    let mut bytes = bytes.into_owned();
    bytes.extend_from_slice(b"\x90,1\r\n\xFD,\x81\x0A");
    assert_eq!(told(&bytes), Some(TextEncoding::Cp932));
    let text = text_of(&bytes, TextEncoding::Cp932);
    assert_eq!(text, [TABLE.as_bytes(), b"\xFF,1\r\n\xFF,\xFF\n"].concat());

    let mut bytes = TABLE.as_bytes().to_vec();
    bytes.extend_from_slice(b"\x90,1\r\n");
    assert_eq!(told(&bytes), Some(TextEncoding::Utf8));
    assert_eq!(told(b"a,b\nok,1\n\x90\x85,2\n"), Some(TextEncoding::Cp932));
    assert_eq!(
        told(b"name,note\nfoo,ok and some more words\nbar,\xFE\n"),
        Some(TextEncoding::Utf8)
    );
}

#[test]
fn wave_dash_minus_and_the_rest_are_those_of_windows() {
    let text = text_of(b"\x81\x60\x81\x7C\x81\x61\x81\x91\x5C\x7E", TextEncoding::Cp932);
    assert_eq!(String::from_utf8(text).unwrap(), "～－∥￠\\~");
}

#[test]
fn what_is_no_text_has_no_encoding() {
    let mut state = 1u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(10_000)
    .collect();
    assert_eq!(told(&noise), None);
}

#[test]
fn names_are_read_as_people_write_them() {
    for (name, encoding) in [
        ("cp932", TextEncoding::Cp932),
        ("Shift_JIS", TextEncoding::Cp932),
        ("sjis", TextEncoding::Cp932),
        ("UTF-8", TextEncoding::Utf8),
        ("utf8", TextEncoding::Utf8),
        ("euc-jp", TextEncoding::EucJp),
        ("EUC_JP", TextEncoding::EucJp),
        ("utf-16le", TextEncoding::Utf16Le),
        ("UTF-16BE", TextEncoding::Utf16Be),
        ("iso-2022-jp", TextEncoding::Iso2022Jp),
        ("windows-1252", TextEncoding::Other(encoding_rs::WINDOWS_1252)),
    ] {
        assert_eq!(TextEncoding::parse(name).unwrap(), encoding, "{name}");
    }
    for encoding in [TextEncoding::Utf8, TextEncoding::Cp932, TextEncoding::EucJp] {
        assert_eq!(TextEncoding::parse(encoding.name()).unwrap(), encoding);
    }
    let error = TextEncoding::parse("ebcdic").unwrap_err().to_string();
    assert!(error.contains("ebcdic") && error.contains("cp932"), "{error}");
}

proptest! {
    #[test]
    fn text_is_never_changed(cells in proptest::collection::vec("[ -~ぁ-んァ-ヶ亜-腕ａ-ｚ]{0,12}", 1..40)) {
        let text = cells.join("\r\n");
        for encoding in [TextEncoding::Utf16Le, TextEncoding::Utf16Be, TextEncoding::Utf8] {
            let bytes = match encoding {
                TextEncoding::Utf8 => text.clone().into_bytes(),
                _ => utf16(&text, true, encoding == TextEncoding::Utf16Be),
            };
            prop_assert_eq!(text_of(&bytes, encoding), text.as_bytes());
        }
        for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP] {
            let (bytes, _, lossy) = encoding.encode(&text);
            if !lossy {
                prop_assert_eq!(text_of(&bytes, TextEncoding::Other(encoding)), text.as_bytes());
            }
        }
    }

    #[test]
    fn any_bytes_are_told_and_read_without_growing(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let guesses = tell(&mut file_of(&bytes)).unwrap();
        prop_assert!(guesses.len() <= 3);
        for encoding in [
            TextEncoding::Cp932,
            TextEncoding::EucJp,
            TextEncoding::Iso2022Jp,
            TextEncoding::Utf16Le,
            TextEncoding::Utf16Be,
        ] {
            let text = text_of(&bytes, encoding);
            prop_assert!(text.len() <= bytes.len() * 3 + 3);
            // What is not text is marked, and nothing else is invalid.
            let rest: Vec<u8> = text.into_iter().filter(|byte| *byte != UNDECODABLE).collect();
            prop_assert!(std::str::from_utf8(&rest).is_ok());
        }
    }
}
