//! Municipality codes and names.

use hub_model::{Municipality, municipality_check_digit, municipality_code};

use super::{Definition, Family, Gives, PLAIN, Takes};

const TEXT: Definition = Definition {
    family: Family::Place,
    takes: &[Takes::Code],
    gives: Gives::Text,
    may_be_missing: true,
    ..PLAIN
};

pub(super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "municipality_code",
        title: "municipality_code",
        syntax: "municipality_code(text)",
        ja: "全国地方公共団体コード6桁。R01400・01400・1400・014001や、北海道の市町村名（郡つき、旧字、二セコなどの表記ゆれも）から。先頭の0が落ちた5桁（12114→012114）も読む。他県のコードとも読める5桁（12203は士別市か市川市）や、わからないものはNULL",
        en: "The six-digit municipality code of a code in any form (R01400, 01400, 1400, 014001) or of a name in Hokkaido in any spelling (虻田郡俱知安町, 二セコ町). Five digits may be a code of Hokkaido that lost its zero (12114 is 012114); NULL where they are one of another prefecture as well (12203 is 士別市 or 市川市), and where nothing is known",
        arguments: &[("text", "a code, or the name of a municipality of Hokkaido")],
        example: ("SELECT municipality_code('虻田郡俱知安町')", "014001"),
        work: |call| {
            call.texts_of_texts(|text| {
                municipality_code(text)
                    .or_else(|| Municipality::by_name(text).map(Municipality::code))
            })
        },
        ..TEXT
    },
    &Definition {
        name: "municipality_check_digit",
        title: "municipality_check_digit",
        syntax: "municipality_check_digit(code)",
        ja: "コードの最初の5桁から計算した検査数字",
        en: "The check digit of the first five digits of a code",
        arguments: &[("code", "five or six digits")],
        example: ("SELECT municipality_check_digit('01400')", "1"),
        work: |call| call.texts_of_texts(|code| municipality_check_digit(code).map(String::from)),
        ..TEXT
    },
    &Definition {
        name: "municipality_name",
        title: "municipality_name",
        syntax: "municipality_name(code)",
        ja: "コードの市町村名（北海道）。わからなければNULL",
        en: "The name of the municipality of a code, for Hokkaido; NULL where it is not known",
        arguments: &[("code", "a code in any form")],
        example: ("SELECT municipality_name('014001')", "倶知安町"),
        work: |call| call.texts_of_texts(|code| Some(Municipality::by_code(code)?.name)),
        ..TEXT
    },
    &Definition {
        name: "municipality_block",
        title: "municipality_block",
        syntax: "municipality_block(code)",
        ja: "後志の3地域（北後志、岩宇・南後志、羊蹄山麓）。後志の外はNULL",
        en: "The block of Shiribeshi (北後志, 岩宇・南後志 or 羊蹄山麓) that a municipality belongs to; NULL outside of Shiribeshi",
        arguments: &[("code", "a code in any form")],
        example: ("SELECT municipality_block('014001')", "羊蹄山麓"),
        work: |call| call.texts_of_texts(|code| Municipality::by_code(code)?.block()),
        ..TEXT
    },
];
