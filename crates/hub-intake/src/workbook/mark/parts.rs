//! The parts of a book that say which parts there are: its types of content and its links. New parts are
//! named where nothing is yet, and linked.

use std::collections::BTreeMap;

use super::{
    super::{
        archive::{Archive, key},
        book::{links_part, main_part},
        xml::{Token, Xml, escape},
    },
    Edits, text_of,
};
use crate::{IntakeError, decode::damaged};

/// The most bytes of a part that is held as a whole.
pub(super) const MAX_BYTES: u64 = 64 << 20;

const TYPES: &str = "[Content_Types].xml";
const LINKS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const KINDS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Parts that are changed or added.
pub(super) struct Parts {
    /// By the name that finds them: the name as it is written, and the bytes.
    changed: BTreeMap<String, (String, Vec<u8>)>,
    taken: std::collections::HashSet<String>,
    /// Types of new parts, and of names that end like this.
    types: Vec<(String, &'static str)>,
    endings: Vec<(&'static str, &'static str)>,
    content_types: Vec<u8>,
    pub(super) main: String,
    pub(super) main_links: Vec<u8>,
    pub(super) main_bytes: Vec<u8>,
}

impl Parts {
    pub(super) fn read(archive: &Archive) -> Result<Self, IntakeError> {
        let main = main_part(archive)?;
        let content_types =
            read_whole(archive, TYPES)?.ok_or_else(|| damaged("it has no types of content"))?;
        let main_links = read_whole(archive, &links_part(&main))?
            .ok_or_else(|| damaged("the workbook has no links"))?;
        let main_bytes =
            read_whole(archive, &main)?.ok_or_else(|| damaged("the workbook is missing"))?;
        Ok(Self {
            main_bytes,
            changed: BTreeMap::new(),
            taken: archive.names().collect(),
            types: Vec::new(),
            endings: Vec::new(),
            content_types,
            main,
            main_links,
        })
    }

    /// A part's bytes as they are by now.
    pub(super) fn get(
        &self,
        archive: &Archive,
        name: &str,
    ) -> Result<Option<Vec<u8>>, IntakeError> {
        match self.changed.get(&key(name)) {
            Some((_, bytes)) => Ok(Some(bytes.clone())),
            None => read_whole(archive, name),
        }
    }

    pub(super) fn put(&mut self, name: &str, bytes: Vec<u8>) {
        self.changed.insert(key(name), (name.to_owned(), bytes));
    }

    /// Adds a part under the first free name of the form `xl/comments7.xml`.
    pub(super) fn add(
        &mut self,
        stem: &str,
        ending: &str,
        content_type: Option<&'static str>,
        bytes: Vec<u8>,
    ) -> String {
        let mut number = 1;
        let name = loop {
            let name = format!("{stem}{number}.{ending}");
            if self.taken.insert(key(&name)) {
                break name;
            }
            number += 1;
        };
        if let Some(content_type) = content_type {
            self.types.push((name.clone(), content_type));
        }
        self.put(&name, bytes);
        name
    }

    /// Says what parts with this ending are, unless it is said already.
    pub(super) fn ending(&mut self, ending: &'static str, content_type: &'static str) {
        self.endings.push((ending, content_type));
    }

    pub(super) fn finish(mut self) -> Result<BTreeMap<String, (String, Vec<u8>)>, IntakeError> {
        let mut edits = Edits::default();
        let mut xml = Xml::new(self.content_types.as_slice());
        let mut prefix = String::new();
        loop {
            match xml.next()? {
                Token::Open(tag) if tag.name == b"Types" => {
                    prefix = prefix_of(tag.full_name);
                    if tag.empty {
                        return Err(damaged("it has no types of content"));
                    }
                }
                Token::Open(tag) if tag.name == b"Default" => {
                    let found = tag.attribute(b"Extension").unwrap_or_default();
                    self.endings.retain(|(ending, _)| !found.eq_ignore_ascii_case(ending));
                }
                Token::Close(b"Types") => break,
                Token::End => return Err(damaged("its types of content are cut")),
                _ => {}
            }
        }
        // Defaults may stand among the others.
        for (ending, content_type) in &self.endings {
            edits.insert(
                xml.piece(),
                format!("<{prefix}Default Extension=\"{ending}\" ContentType=\"{content_type}\"/>"),
            );
        }
        for (name, content_type) in &self.types {
            let name = escape(name);
            edits.insert(
                xml.piece(),
                format!("<{prefix}Override PartName=\"/{name}\" ContentType=\"{content_type}\"/>"),
            );
        }
        let types = edits.apply(&self.content_types)?;
        self.put(TYPES, types);
        let links = std::mem::take(&mut self.main_links);
        let name = links_part(&self.main);
        self.put(&name, links);
        Ok(self.changed)
    }
}

/// A part's bytes; none where there is no such part.
pub(super) fn read_whole(archive: &Archive, name: &str) -> Result<Option<Vec<u8>>, IntakeError> {
    archive.part(name)?.map(text_of).transpose()
}

/// Adds a link to a part's links, which may be none yet; answers the links and the new one's id.
pub(super) fn with_link(
    links: Option<Vec<u8>>,
    kind: &str,
    part: &str,
) -> Result<(Vec<u8>, String), IntakeError> {
    let links = links.unwrap_or_else(|| {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<Relationships xmlns=\"{LINKS}\"></Relationships>")
            .into_bytes()
    });
    let mut ids = std::collections::HashSet::new();
    let mut prefix = String::new();
    let mut kinds = KINDS.to_owned();
    let mut edits = Edits::default();
    let mut xml = Xml::new(links.as_slice());
    let mut end = None;
    loop {
        match xml.next()? {
            Token::Open(tag) if tag.name == b"Relationships" => {
                prefix = prefix_of(tag.full_name);
                if tag.empty {
                    let name = String::from_utf8_lossy(tag.full_name).into_owned();
                    let written = String::from_utf8_lossy(tag.written()).into_owned();
                    end = Some((name, written));
                }
            }
            Token::Open(tag) if tag.name == b"Relationship" => {
                ids.extend(tag.attribute(b"Id"));
                // A strict book names its kinds of links otherwise.
                if let Some(kind) = tag.attribute(b"Type")
                    && kind.contains("purl.oclc.org")
                    && let Some((stem, _)) = kind.rsplit_once('/')
                {
                    kinds = stem.to_owned();
                }
            }
            Token::Close(b"Relationships") => break,
            Token::End if end.is_some() => break,
            Token::End => return Err(damaged("its links are cut")),
            _ => {}
        }
    }
    let id = (1..).map(|n| format!("rIdMochiyori{n}")).find(|id| !ids.contains(id));
    let id = id.unwrap_or_default();
    let target = escape(part);
    let link =
        format!("<{prefix}Relationship Id=\"{id}\" Type=\"{kinds}/{kind}\" Target=\"/{target}\"/>");
    if let Some((name, written)) = end {
        return Ok((format!("<{name}{written}>{link}</{name}>").into_bytes(), id));
    }
    edits.insert(xml.piece(), link);
    Ok((edits.apply(&links)?, id))
}

/// The prefix of a name with its colon, or nothing.
pub(super) fn prefix_of(full_name: &[u8]) -> String {
    match memchr::memchr(b':', full_name) {
        Some(at) => String::from_utf8_lossy(&full_name[..=at]).into_owned(),
        None => String::new(),
    }
}
