//! What the headings of a file say.

use super::{Found, folded};

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

fn is_person(name: &str) -> bool {
    let is_name = NAMES.iter().any(|word| name.contains(word)) || WHOLE_NAMES.contains(&name);
    // 氏名又は名称 is what permits are listed by.
    is_name && !name.contains("名称") && !OFFICES.iter().any(|word| name.contains(word))
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
}
