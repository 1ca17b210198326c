//! Where in a JSON file the rows are, and which columns they have: the first reading of the file.

use std::io::Read;

use super::{
    columns::Columns,
    lexer::{Event, Lexer},
};
use crate::{Format, IntakeError, IntakeOptions, Recognised, show::show_text};

/// How deep within objects an array of rows is looked for.
const MAX_DEPTH: usize = 5;

/// What services usually call the array of rows.
const ROWS_KEYS: [&str; 7] = ["records", "data", "items", "results", "rows", "value", "features"];

/// Where the rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The elements of the array that these keys lead to; none for an array at the top.
    Array(Vec<String>),
    /// The members of the object at the top, whose keys become a column of this name.
    Members(String),
    /// The values at the top.
    Lines,
}

pub(super) struct Found {
    pub(super) place: Place,
    pub(super) columns: Columns,
}

/// Finds the rows. Each kind of place is looked for in a reading of its own, which ends where it fails.
pub(super) fn find(recognised: &Recognised, options: &IntakeOptions) -> Result<Found, IntakeError> {
    if recognised.format() == Format::NdJson {
        return lines(recognised, options);
    }
    let mut lexer = Lexer::new(recognised.text()?);
    match lexer.next()? {
        Event::ArrayStart => {
            let mut columns = Columns::default();
            rows(&mut lexer, &mut columns, options)?;
            nothing_follows(&mut lexer)?;
            if columns.rows() == 0 {
                return Err(empty());
            }
            Ok(Found { place: Place::Array(Vec::new()), columns })
        }
        Event::ObjectStart => within_object(recognised, lexer, options),
        _ => Err(super::columns::not_an_object(&lexer)),
    }
}

fn lines(recognised: &Recognised, options: &IntakeOptions) -> Result<Found, IntakeError> {
    let mut lexer = Lexer::new(recognised.text()?);
    let mut columns = Columns::default();
    loop {
        options.check_stop()?;
        match lexer.next()? {
            Event::End if columns.rows() == 0 => return Err(empty()),
            Event::End => return Ok(Found { place: Place::Lines, columns }),
            Event::ObjectStart => {
                columns.begin();
                columns.read_object(&mut lexer)?;
            }
            _ => return Err(super::columns::not_an_object(&lexer)),
        }
    }
}

/// Reads the rows of the array that was just opened.
fn rows<R: Read>(
    lexer: &mut Lexer<R>,
    columns: &mut Columns,
    options: &IntakeOptions,
) -> Result<(), IntakeError> {
    loop {
        match lexer.next()? {
            Event::ArrayEnd => return Ok(()),
            Event::ObjectStart => {
                if columns.rows().is_multiple_of(1_024) {
                    options.check_stop()?;
                }
                columns.begin();
                columns.read_object(lexer)?;
            }
            _ => return Err(super::columns::not_an_object(lexer)),
        }
    }
}

fn nothing_follows<R: Read>(lexer: &mut Lexer<R>) -> Result<(), IntakeError> {
    match lexer.next()? {
        Event::End => Ok(()),
        _ => Err(lexer.refusal(
            "JSONの終わりの後に、まだ値があります。1つのJSONにするか、1行に1つのオブジェクト（NDJSON）にしてください",
            "there is another value after the JSON's end; write one JSON value, or one object a line (NDJSON)",
        )),
    }
}

fn within_object(
    recognised: &Recognised,
    mut lexer: Lexer<super::Text8>,
    options: &IntakeOptions,
) -> Result<Found, IntakeError> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut top = Top { members: 0, objects: 0 };
    look_for_arrays(&mut lexer, &mut Vec::new(), &mut found, &mut top, options)?;
    nothing_follows(&mut lexer)?;
    // Answers of data services describe their columns beside the rows.
    let usual: Vec<_> = found
        .iter()
        .filter(|path| path.last().is_some_and(|key| ROWS_KEYS.contains(&key.as_str())))
        .cloned()
        .collect();
    if found.len() > 1 && usual.len() == 1 {
        found = usual;
    }
    match found.as_slice() {
        [path] => {
            let mut lexer = Lexer::new(recognised.text()?);
            let mut columns = Columns::default();
            enter(&mut lexer, path)?;
            rows(&mut lexer, &mut columns, options)?;
            Ok(Found { place: Place::Array(path.clone()), columns })
        }
        [] if top.members == top.objects && top.objects > 1 => members(recognised, options),
        // An object alone is a table of one row.
        [] => lines(recognised, options),
        paths => {
            let paths: Vec<String> =
                paths.iter().take(10).map(|path| show_text(&path.join("."))).collect();
            let paths = paths.join(", ");
            Err(IntakeError::unreadable(
                format!(
                    "表になりうる配列がいくつもあります（{paths}）。1つだけを残して送ってください"
                ),
                format!(
                    "several arrays could be the table ({paths}); keep one of them and send that"
                ),
            ))
        }
    }
}

/// How many members the object at the top has, and how many of them are objects.
struct Top {
    members: u64,
    objects: u64,
}

/// Looks within the object that was just opened for arrays whose first element is an object.
fn look_for_arrays<R: Read>(
    lexer: &mut Lexer<R>,
    path: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
    top: &mut Top,
    options: &IntakeOptions,
) -> Result<(), IntakeError> {
    loop {
        match lexer.next()? {
            Event::Key => path.push(lexer.text()?.to_owned()),
            _ => return Ok(()),
        }
        let event = lexer.next()?;
        if path.len() == 1 {
            options.check_stop()?;
            top.members += 1;
            top.objects += u64::from(event == Event::ObjectStart);
        }
        match event {
            Event::ObjectStart if path.len() < MAX_DEPTH => {
                look_for_arrays(lexer, path, found, top, options)?;
            }
            Event::ArrayStart => {
                let depth = lexer.depth();
                if lexer.next()? == Event::ObjectStart && found.len() < 100 {
                    found.push(path.clone());
                }
                while lexer.depth() >= depth {
                    lexer.next()?;
                }
            }
            event => lexer.skip(event)?,
        }
        path.pop();
    }
}

/// Goes into the array that the keys lead to.
pub(super) fn enter<R: Read>(lexer: &mut Lexer<R>, path: &[String]) -> Result<(), IntakeError> {
    let mut event = lexer.next()?;
    for key in path {
        if event != Event::ObjectStart {
            break;
        }
        loop {
            match lexer.next()? {
                Event::Key if lexer.text()? == key => break,
                Event::Key => {
                    let event = lexer.next()?;
                    lexer.skip(event)?;
                }
                _ => return Err(moved()),
            }
        }
        event = lexer.next()?;
    }
    if event == Event::ArrayStart { Ok(()) } else { Err(moved()) }
}

fn moved() -> IntakeError {
    IntakeError::unreadable(
        "同じキーが2回あるため、表の場所が決まりません。キーの重なりをなくしてください",
        "a key stands twice, so that the place of the table is not clear; take one of them out",
    )
}

/// Reads each member of the object at the top as a row.
fn members(recognised: &Recognised, options: &IntakeOptions) -> Result<Found, IntakeError> {
    let read = |key_column: &str| -> Result<Columns, IntakeError> {
        let mut lexer = Lexer::new(recognised.text()?);
        let mut columns = Columns::default();
        lexer.next()?;
        while lexer.next()? == Event::Key {
            options.check_stop()?;
            let key = lexer.text()?.to_owned();
            columns.begin_with(key_column, &key);
            lexer.next()?;
            columns.read_object(&mut lexer)?;
        }
        Ok(columns)
    };
    // Rows may have a key of that name themselves.
    let mut name = "key".to_owned();
    let mut columns = match read(&name) {
        Ok(columns) => columns,
        Err(_) => {
            name = "object_key".to_owned();
            read(&name)?
        }
    };
    if columns.rows() == 0 {
        columns = Columns::default();
    }
    Ok(Found { place: Place::Members(name), columns })
}

fn empty() -> IntakeError {
    IntakeError::unreadable(
        "JSONにオブジェクトが1つもありません。書き出しが終わっているかを確かめて、もう一度送ってください",
        "the JSON holds no objects; check that it was written to its end and send it again",
    )
}
