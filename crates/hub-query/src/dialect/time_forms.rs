//! The forms of `to_char` that PostgreSQL has, `YYYY-MM-DD HH24:MI`, as those of the engine, `%Y-%m-%d %H:%M`, which
//! would otherwise come out as they are.

/// PostgreSQL's signs, longer ones first, and the engine's.
const SIGNS: [(&str, &str); 16] = [
    ("YYYY", "%Y"),
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("Month", "%B"),
    ("DDD", "%j"),
    ("Mon", "%b"),
    ("Day", "%A"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("HH", "%I"),
    ("MI", "%M"),
    ("SS", "%S"),
    ("MS", "%3f"),
    ("US", "%6f"),
    ("Dy", "%a"),
];

/// The form in the engine's signs; none where it has them already, or has letters that are no signs.
pub(super) fn of_postgres(form: &str) -> Option<String> {
    if form.contains('%') {
        return None;
    }
    let mut written = String::new();
    let mut rest = form;
    while let Some(next) = rest.chars().next() {
        if let Some((sign, ours)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            written.push_str(ours);
            rest = &rest[sign.len()..];
        } else if let Some((plain, behind)) =
            rest.strip_prefix('"').and_then(|rest| rest.split_once('"'))
        {
            written.push_str(plain);
            rest = behind;
        } else if next.is_ascii_alphabetic() {
            return None;
        } else {
            written.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    (written.contains('%')).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::of_postgres;

    #[test]
    fn forms_of_postgres_are_those_of_the_engine() {
        for (form, said) in [
            ("YYYY-MM-DD HH24:MI:SS.MS", Some("%Y-%m-%d %H:%M:%S.%3f")),
            ("YYYY年MM月DD日", Some("%Y年%m月%d日")),
            ("YYYYMMDD\"T\"HH24MI", Some("%Y%m%dT%H%M")),
            ("%Y-%m", None),
            ("Q of YYYY", None),
            ("---", None),
        ] {
            assert_eq!(of_postgres(form).as_deref(), said, "{form}");
        }
    }
}
