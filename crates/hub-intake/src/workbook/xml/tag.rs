//! A tag that opens an element, with its attributes as they are written.

use super::unescape;

/// A tag that opens an element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tag<'a> {
    /// Without its prefix.
    pub(crate) name: &'a [u8],
    /// As it is written.
    pub(crate) full_name: &'a [u8],
    attributes: &'a [u8],
    /// Whether the tag closes the element too.
    pub(crate) empty: bool,
}

impl<'a> Tag<'a> {
    /// Takes apart what stands between `<` and `>`.
    #[inline]
    pub(super) fn of(inner: &'a [u8]) -> Self {
        let (inner, empty) = match inner.strip_suffix(b"/") {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        let name = inner.iter().position(u8::is_ascii_whitespace).unwrap_or(inner.len());
        let (full_name, attributes) = inner.split_at(name);
        Self { name: local(full_name), full_name, attributes, empty }
    }

    /// The attributes as they are written, by local name.
    pub(crate) fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: self.attributes }
    }

    /// All attributes as they are written.
    pub(crate) fn written(&self) -> &'a [u8] {
        self.attributes
    }

    /// An attribute as it is written.
    pub(crate) fn raw(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.attributes().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// An attribute's text.
    pub(crate) fn attribute(&self, name: &[u8]) -> Option<String> {
        self.raw(name).map(|raw| {
            let mut text = String::new();
            unescape(raw, &mut text);
            text
        })
    }

    /// An attribute that is a truth value.
    pub(crate) fn flag(&self, name: &[u8]) -> bool {
        matches!(self.raw(name), Some(b"1" | b"true" | b"on"))
    }
}

pub(crate) struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_ascii_start();
        let equals = memchr::memchr(b'=', rest)?;
        let name = local(rest[..equals].trim_ascii());
        let after = rest[equals + 1..].trim_ascii_start();
        let (quote, after) = after.split_first()?;
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let end = memchr::memchr(*quote, after)?;
        self.rest = &after[end + 1..];
        Some((name, &after[..end]))
    }
}

/// A name without its prefix.
pub(super) fn local(name: &[u8]) -> &[u8] {
    match memchr::memchr(b':', name) {
        Some(at) => &name[at + 1..],
        None => name,
    }
}
