//! What is checked of a Parquet file before the decoder may trust it with memory: the decoder allocates
//! what headers claim, and recurses as deeply as they nest.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

use parquet::{
    basic::Type as PhysicalType,
    file::metadata::{ColumnChunkMetaData, ParquetMetaData},
};

use super::thrift::{I32, LIST, STRUCT, Thrift, invalid};
use crate::{
    IntakeError,
    decode::{damaged, show_size},
};

/// The longest footer that is read; one of a thousand columns and ten thousand row groups is shorter.
const MAX_FOOTER: u64 = 256 << 20;

/// How deeply groups may lie within each other.
const MAX_NESTING: usize = 64;

/// Checks the magic, the length of the footer and the shape of the schema in it.
pub(super) fn check_footer(mut file: &File) -> Result<(), IntakeError> {
    let length = file.metadata()?.len();
    if length < 12 {
        return Err(damaged("it is shorter than any Parquet file"));
    }
    let mut tail = [0; 8];
    file.seek(SeekFrom::Start(length - 8))?;
    file.read_exact(&mut tail)?;
    if tail[4..] == *b"PARE" {
        return Err(super::encrypted());
    }
    if tail[4..] != *b"PAR1" {
        return Err(damaged("it does not end like a Parquet file"));
    }
    let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if footer > MAX_FOOTER || footer + 12 > length {
        return Err(damaged("its footer is longer than the file"));
    }
    file.seek(SeekFrom::Start(length - 8 - footer))?;
    check_schema(&mut Thrift::new(BufReader::new(file.take(footer)))).map_err(unreadable)
}

fn unreadable(error: io::Error) -> IntakeError {
    match error.kind() {
        io::ErrorKind::InvalidData => damaged(&error.to_string()),
        io::ErrorKind::UnexpectedEof => damaged("it ends within a header"),
        _ => IntakeError::Io(error),
    }
}

/// The schema is the footer's second field: a list of nodes, each with the number of its children, that
/// walks the tree from its root.
fn check_schema<R: Read>(footer: &mut Thrift<R>) -> io::Result<()> {
    let mut last = 0;
    while let Some(field) = footer.field(last)? {
        last = field.id;
        if field.id != 2 || field.kind != LIST {
            footer.skip(field.kind)?;
            continue;
        }
        let (kind, nodes) = footer.list()?;
        if kind != STRUCT {
            return Err(invalid("its schema is no list of nodes"));
        }
        // How many children each group on the way to the current node still lacks.
        let mut open: Vec<u64> = Vec::new();
        for _ in 0..nodes {
            let children = children(footer)?;
            if children > nodes {
                return Err(invalid("a group of its schema claims more children than there are"));
            }
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            if children > 0 {
                open.push(children);
            }
            if open.len() > MAX_NESTING {
                return Err(invalid("its columns are nested too deeply"));
            }
            while open.last() == Some(&0) {
                open.pop();
            }
        }
        return Ok(());
    }
    Err(invalid("its footer has no schema"))
}

/// How many children a node of the schema has.
fn children<R: Read>(footer: &mut Thrift<R>) -> io::Result<u64> {
    let (mut last, mut children) = (0, 0);
    while let Some(field) = footer.field(last)? {
        last = field.id;
        if field.id == 5 && field.kind == I32 {
            let count = footer.integer()?;
            children =
                u64::try_from(count).map_err(|_| invalid("a group has fewer than no children"))?;
        } else {
            footer.skip(field.kind)?;
        }
    }
    Ok(children)
}

/// What a page's header claims.
#[derive(Debug, Default)]
struct Page {
    unpacked: i64,
    packed: i64,
    dictionary_values: Option<i64>,
}

/// Checks what every page of the wanted columns says of its own size.
pub(super) fn check_pages(
    file: &File,
    metadata: &ParquetMetaData,
    wanted: &[usize],
    max_page_bytes: u64,
    max_decoded_bytes: u64,
) -> Result<(), IntakeError> {
    let length = file.metadata()?.len();
    let schema = metadata.file_metadata().schema_descr();
    let mut reader = BufReader::with_capacity(16 << 10, file);
    let mut unpacked = 0u64;
    for group in metadata.row_groups() {
        for (leaf, column) in group.columns().iter().enumerate() {
            if wanted.binary_search(&schema.get_column_root_idx(leaf)).is_err() {
                continue;
            }
            let (start, end) = extent(column, length)?;
            reader.seek(SeekFrom::Start(start))?;
            let mut at = start;
            while at < end {
                let mut header = Thrift::new(Read::by_ref(&mut reader).take(end - at));
                let page = page(&mut header).map_err(unreadable)?;
                at += header.read;
                unpacked =
                    unpacked.saturating_add(check_page(&page, column, end - at, max_page_bytes)?);
                if unpacked > max_decoded_bytes {
                    return Err(crate::decode::unpacks_too_large(max_decoded_bytes));
                }
                reader.seek_relative(page.packed)?;
                at += page.packed.unsigned_abs();
            }
        }
    }
    Ok(())
}

/// From where to where a column of a row group lies.
fn extent(column: &ColumnChunkMetaData, length: u64) -> Result<(u64, u64), IntakeError> {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let start = u64::try_from(start).ok();
    let size = u64::try_from(column.compressed_size()).ok();
    start
        .zip(size)
        .and_then(|(start, size)| Some((start, start.checked_add(size)?)))
        .filter(|(_, end)| *end <= length)
        .ok_or_else(|| damaged("a column is said to lie outside the file"))
}

fn page<R: Read>(header: &mut Thrift<R>) -> io::Result<Page> {
    let mut page = Page::default();
    let mut last = 0;
    while let Some(field) = header.field(last)? {
        last = field.id;
        match (field.id, field.kind) {
            (2, I32) => page.unpacked = header.integer()?,
            (3, I32) => page.packed = header.integer()?,
            (7, STRUCT) => {
                let mut last = 0;
                while let Some(field) = header.field(last)? {
                    last = field.id;
                    if field.id == 1 && field.kind == I32 {
                        page.dictionary_values = Some(header.integer()?);
                    } else {
                        header.skip(field.kind)?;
                    }
                }
            }
            (_, kind) => header.skip(kind)?,
        }
    }
    Ok(page)
}

/// The bytes that a page unpacks to, if they can be true and allowed.
fn check_page(
    page: &Page,
    column: &ColumnChunkMetaData,
    left: u64,
    max_page_bytes: u64,
) -> Result<u64, IntakeError> {
    let unpacked = u64::try_from(page.unpacked).ok();
    let fits = u64::try_from(page.packed).is_ok_and(|packed| packed <= left);
    let Some(unpacked) = unpacked.filter(|_| fits) else {
        return Err(damaged("a page is said to lie outside its column"));
    };
    if unpacked > max_page_bytes {
        let limit = show_size(max_page_bytes);
        return Err(IntakeError::too_large(
            format!(
                "Parquetの1つのページが{limit}を超えています。行グループを小さくして（例えば100,000行ずつ）書き出してください"
            ),
            format!(
                "a page of the Parquet file is larger than {limit}; write it with smaller row groups, such as 100,000 rows"
            ),
        ));
    }
    // The decoder makes room for as many values as a dictionary claims.
    let least = if column.column_type() == PhysicalType::FIXED_LEN_BYTE_ARRAY { 1 } else { 4 };
    let values = page.dictionary_values.unwrap_or(0);
    if u64::try_from(values).is_ok_and(|values| values.saturating_mul(least) <= unpacked) {
        Ok(unpacked)
    } else {
        Err(damaged("a dictionary claims more values than it has bytes"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{IntakeOptions, decode::parquet::ParquetDecoder};

    /// A file of nothing but a footer, whose schema's nodes claim these numbers of children.
    fn with_schema(children: &[u64]) -> File {
        let varint = |mut value: u64| {
            let mut bytes = Vec::new();
            while value >= 0x80 {
                bytes.push(value as u8 | 0x80);
                value >>= 7;
            }
            bytes.push(value as u8);
            bytes
        };
        // Version 1, then the list of nodes.
        let mut footer = vec![0x15, 0x02, 0x19, 0xFC];
        footer.extend(varint(children.len() as u64));
        for count in children {
            footer.extend([0x48, 1, b'a', 0x15]);
            footer.extend(varint(count * 2));
            footer.push(0);
        }
        footer.push(0);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"PAR1").unwrap();
        file.write_all(&footer).unwrap();
        file.write_all(&(footer.len() as u32).to_le_bytes()).unwrap();
        file.write_all(b"PAR1").unwrap();
        file
    }

    fn refusal(children: &[u64]) -> String {
        let error = ParquetDecoder::open(with_schema(children), &IntakeOptions::default())
            .err()
            .map(|error| error.to_string());
        error.unwrap_or_default()
    }

    #[test]
    fn a_schema_is_refused_before_it_takes_memory_or_stack() {
        assert!(refusal(&[1; 1_000_000]).contains("nested too deeply"));
        assert!(refusal(&[2_000_000_000, 0]).contains("more children than there are"));
        // A sound tree goes on to the decoder, which misses the rest of the footer.
        let other = refusal(&[2, 0, 0]);
        assert!(!other.contains("nested") && !other.contains("children"), "{other}");
    }

    #[test]
    fn a_footer_that_is_not_there_is_refused() {
        for bytes in [
            &b"PAR1PAR1"[..],
            b"PAR1\xFF\xFF\xFF\x0FPAR1",
            b"PAR1....\0\0\0\0PARE",
            b"PAR1garbage.....",
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            assert!(check_footer(&file).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_dictionary_has_no_more_values_than_bytes() {
        use parquet::schema::types::{ColumnDescriptor, ColumnPath, Type};
        let leaf = Type::primitive_type_builder("a", PhysicalType::BYTE_ARRAY).build().unwrap();
        let path = ColumnPath::from("a");
        let descriptor = ColumnDescriptor::new(std::sync::Arc::new(leaf), 0, 0, path);
        let column = ColumnChunkMetaData::builder(std::sync::Arc::new(descriptor)).build().unwrap();
        let page = |values| Page { unpacked: 100, packed: 50, dictionary_values: Some(values) };
        assert_eq!(check_page(&page(25), &column, 50, 1_000).unwrap(), 100);
        for values in [26, i64::from(i32::MAX), -1] {
            assert!(check_page(&page(values), &column, 50, 1_000).is_err(), "{values}");
        }
        assert!(check_page(&page(1), &column, 49, 1_000).is_err());
        assert!(check_page(&page(1), &column, 50, 99).is_err());
    }
}
