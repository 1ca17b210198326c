//! Cells as nearly every program writes them, `<c r="A1" s="2"><v>5</v></c>`, taken apart in one pass. What
//! is not to the letter like that is none of them and is left to the reader of any XML, so that nothing is
//! read in two ways.

use super::{Kind, kind_of};

/// A cell and how many bytes it takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PlainCell<'a> {
    /// Where it stands, such as `A1`.
    pub(super) reference: Option<&'a [u8]>,
    pub(super) style: usize,
    pub(super) kind: Kind,
    /// What stands within `v`; none where the cell is empty.
    pub(super) value: Option<&'a [u8]>,
    pub(super) length: usize,
}

/// The cell that the text begins with, if it is a plain one and ends within the text.
#[inline]
pub(super) fn take(text: &[u8]) -> Option<PlainCell<'_>> {
    let mut rest = text.strip_prefix(b"<c")?;
    let mut cell =
        PlainCell { reference: None, style: 0, kind: Kind::Number, value: None, length: 0 };
    loop {
        match rest {
            [b' ', name, b'=', b'"', after @ ..] => {
                let end = after.iter().position(|byte| *byte == b'"')?;
                let (value, after) = (&after[..end], &after[end + 1..]);
                match name {
                    b'r' => cell.reference = Some(value),
                    b's' => cell.style = lexical_core::parse(value).unwrap_or(0),
                    b't' => cell.kind = kind_of(value),
                    _ => return None,
                }
                rest = after;
            }
            [b'>', after @ ..] => {
                let inner = after.strip_prefix(b"<v>")?;
                let end = inner.iter().position(|byte| *byte == b'<')?;
                cell.value = Some(&inner[..end]);
                rest = inner[end..].strip_prefix(b"</v></c>")?;
                break;
            }
            [b'/', b'>', after @ ..] => {
                rest = after;
                break;
            }
            _ => return None,
        }
    }
    // The text of a cell that is text may be written in parts and has escapes of its own.
    if matches!(cell.kind, Kind::Text) && cell.value.is_some() {
        return None;
    }
    cell.length = text.len() - rest.len();
    Some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_cells_are_taken_and_others_left() {
        let cell = take(b"<c r=\"B12\" s=\"3\" t=\"s\"><v>41</v></c><c r=\"C12\"/>").unwrap();
        assert_eq!((cell.reference, cell.style), (Some(&b"B12"[..]), 3));
        assert_eq!((cell.kind, cell.value, cell.length), (Kind::Shared, Some(&b"41"[..]), 36));
        let empty = take(b"<c r=\"C12\" s=\"1\"/></row>").unwrap();
        assert_eq!((empty.reference, empty.value, empty.length), (Some(&b"C12"[..]), None, 18));
        for other in [
            "<c r=\"A1\"><f>B1</f><v>1</v></c>",
            "<c r='A1'><v>1</v></c>",
            "<c r=\"A1\" cm=\"1\"><v>1</v></c>",
            "<c r=\"A1\" t=\"inlineStr\"><is><t>a</t></is></c>",
            "<c r=\"A1\" t=\"str\"><v>a_x000D_</v></c>",
            "<c r=\"A1\"><v>1<!-- 2 --></v></c>",
            "<c r=\"A1\"><v>1</v></c",
            "<c r=\"A1",
            "<col/>",
            "</row>",
            "",
        ] {
            assert_eq!(take(other.as_bytes()), None, "{other}");
        }
    }
}
