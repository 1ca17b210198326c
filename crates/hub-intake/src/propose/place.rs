//! Codes of municipalities.

/// Whether a text is a municipality's code: six digits of which the last checks the others, or the five
/// before it. `(11 − Σ digit·weight mod 11) mod 10` with the weights 6, 5, 4, 3, 2 is the check digit
/// (総務省「全国地方公共団体コード」).
pub(crate) fn is_municipality_code(text: &[u8]) -> bool {
    if !text.iter().all(u8::is_ascii_digit) || !matches!(text.len(), 5 | 6) {
        return false;
    }
    let digit = |at: usize| u32::from(text[at] - b'0');
    let prefecture = digit(0) * 10 + digit(1);
    if !(1..=47).contains(&prefecture) {
        return false;
    }
    let sum: u32 = (0..5).map(|at| digit(at) * (6 - at as u32)).sum();
    text.len() == 5 || digit(5) == (11 - sum % 11) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_by_their_check_digit() {
        for code in ["012033", "013919", "014001", "014095", "01400", "472018"] {
            assert!(is_municipality_code(code.as_bytes()), "{code}");
        }
        for other in ["012034", "990000", "1400", "0140011", "01400a", "00101"] {
            assert!(!is_municipality_code(other.as_bytes()), "{other}");
        }
    }
}
