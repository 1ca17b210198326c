//! SQL text to one statement that may run: its kind, the tables it names, and the names it uses.

mod align;
mod headings;
mod names;
mod repeatable;
mod table_call;
mod ties;
mod unheard;
mod using;
mod with_quality;

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::{
    ast::Statement,
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError},
};

pub(crate) use align::aligned_name;
pub(crate) use headings::Headings;
pub(crate) use names::{Names, fold, left_out, place};
pub(crate) use ties::PrimaryKeys;
pub(crate) use with_quality::{complete_name, plain_name};

use crate::{
    align::AlignCall,
    asof,
    bounds::{SqlBounds, position},
    dialect::{self, HubDialect, hints},
    error::{Position, QueryError},
};

/// The stack of the thread that parses; it bears the deepest statement that the bounds let through.
const PARSER_STACK_BYTES: usize = 16 * 1024 * 1024;

/// A table as the SQL names it, after folding unquoted letters to lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// The part before the point; none where the SQL gives a bare name.
    pub agency: Option<String>,
    /// The part after it.
    pub dataset: String,
    /// The line of the SQL, from 1.
    pub line: u64,
    /// The character of the line, from 1.
    pub column: u64,
}

/// One statement that only reads, within its bounds. It names tables; whether they exist, and who may
/// read them, is for the caller to decide.
#[derive(Debug, Clone)]
pub struct ParsedQuery {
    pub(crate) statement: Statement,
    pub(crate) names: Names,
    pub(crate) headings: Headings,
    /// The calls of `align`, by the numbers that their tables bear.
    pub(crate) aligned: Vec<AlignCall>,
    /// The numbers of the parameters that it uses.
    parameters: BTreeSet<usize>,
}

impl ParsedQuery {
    /// The tables that the statement reads, each once, in the order of the text. A name that a WITH
    /// clause defines is not among them, nor are those of `information_schema`.
    pub fn tables(&self) -> &[TableName] {
        &self.names.tables
    }

    /// Whether the statement reads `information_schema`.
    pub fn uses_information_schema(&self) -> bool {
        self.names.information_schema
    }

    /// Whether the same versions are sure to be answered the same: the statement calls no function that
    /// reads the clock or throws dice.
    pub fn is_repeatable(&self) -> bool {
        self.volatile_call().is_none()
    }

    /// A function that the statement calls and that reads the clock or throws dice, if there is one.
    pub fn volatile_call(&self) -> Option<&'static str> {
        repeatable::volatile_call(&self.statement)
    }

    /// What may keep the same versions from being answered the same all the same.
    pub(crate) fn doubts(&self, keys: &PrimaryKeys) -> Vec<hub_model::Text> {
        repeatable::doubts(&self.statement, keys)
    }

    /// Whether the statement says in which order the rows of its answer come.
    pub fn is_ordered(&self) -> bool {
        matches!(&self.statement, Statement::Query(query) if query.order_by.is_some())
    }

    /// Refuses values that have no place in the statement, where so many are given.
    pub fn check_parameters(&self, given: usize) -> Result<(), QueryError> {
        match (1..=given).find(|number| !self.parameters.contains(number)) {
            None => Ok(()),
            Some(number) => Err(QueryError::request(format!(
                "parameters has a value for ${number}, and the statement does not use it; leave it out, or \
                 write ${number} where it belongs"
            ))),
        }
    }

    /// Whether the statement asks for the plan and not for rows.
    pub fn is_explain(&self) -> bool {
        matches!(self.statement, Statement::Explain { .. })
    }
}

/// Reads one statement that only reads data, refusing everything else before the planner sees it.
pub fn parse(sql: &str, bounds: &SqlBounds) -> Result<ParsedQuery, QueryError> {
    bounds.check_length(sql)?;
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("sql-parser".to_owned())
            .stack_size(PARSER_STACK_BYTES)
            .spawn_scoped(scope, || parse_bounded(sql, bounds))
            .map_err(QueryError::internal)?
            .join()
            .unwrap_or_else(|_| Err(QueryError::internal("the parser panicked")))
    })
}

fn parse_bounded(sql: &str, bounds: &SqlBounds) -> Result<ParsedQuery, QueryError> {
    let dialect = HubDialect;
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(tokenizer_error)?;
    check_first_word(&tokens)?;
    check_one_statement(&tokens)?;
    bounds.check_tokens(&tokens)?;
    // A query that begins with FROM counts as what it stands for.
    let tokens = dialect::select_first(tokens);
    bounds.check_tokens(&tokens)?;
    let tokens = dialect::exclude_words(tokens);
    dialect::check_aggregates(&tokens)?;
    let parameters = tokens.iter().filter_map(|token| match &token.token {
        Token::Placeholder(name) => name.strip_prefix('$')?.parse().ok(),
        _ => None,
    });
    let parameters = parameters.collect();
    let tokens = asof::plain_forms(tokens)?;
    let statements = Parser::new(&dialect)
        // One bracket costs the parser several steps; its own list of what is open is exact, ours not.
        .with_recursion_limit(bounds.max_nesting * 4 + bounds.max_depth)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| parser_error(error, sql))?;
    let mut statements = statements.into_iter();
    let (Some(mut statement), None) = (statements.next(), statements.next()) else {
        return Err(one_statement(None));
    };
    check_kind(&statement)?;
    with_quality::expand(&mut statement)?;
    let aligned = align::expand(&mut statement)?;
    dialect::rewrite(&mut statement);
    let names = Names::of(&statement, bounds)?;
    unheard::check(&statement)?;
    let headings = Headings::of(&statement);
    using::qualify(&mut statement)?;
    asof::nest(&mut statement);
    Ok(ParsedQuery { statement, names, headings, aligned, parameters })
}

fn check_first_word(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let first = tokens
        .iter()
        .find(|t| !matches!(t.token, Token::Whitespace(_) | Token::SemiColon | Token::LParen));
    let Some(first) = first.filter(|t| t.token != Token::EOF) else {
        return Err(QueryError::invalid("the SQL is empty; write a SELECT statement", None));
    };
    let Token::Word(word) = &first.token else { return Ok(()) };
    match word.keyword {
        Keyword::SELECT | Keyword::WITH | Keyword::FROM | Keyword::VALUES | Keyword::EXPLAIN => {
            Ok(())
        }
        Keyword::SHOW | Keyword::DESCRIBE | Keyword::DESC => Err(QueryError::not_allowed(
            format!(
                "{} is not offered; read information_schema.tables and information_schema.columns \
                 instead",
                word.value.to_uppercase()
            ),
            Some(position(first)),
        )),
        _ => match hints::instead_of_statement(&word.value) {
            Some(hint) => Err(QueryError::not_allowed(hint, Some(position(first)))),
            None if word.keyword == Keyword::NoKeyword => Ok(()),
            None => Err(reads_only(&word.value, Some(position(first)))),
        },
    }
}

fn reads_only(word: &str, position: Option<Position>) -> QueryError {
    let word: String = word.chars().take(40).collect();
    QueryError::not_allowed(
        format!(
            "{} is not allowed: SQL only reads here, by SELECT, WITH, VALUES or EXPLAIN. Data comes in \
             through uploads",
            word.to_uppercase()
        ),
        position,
    )
}

fn one_statement(position: Option<Position>) -> QueryError {
    QueryError::not_allowed(
        "one statement at a time is allowed; send the others separately",
        position,
    )
}

fn check_one_statement(tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
    let mut ended = false;
    let mut begun = false;
    for token in tokens {
        match token.token {
            Token::Whitespace(_) | Token::EOF => {}
            Token::SemiColon => ended = begun,
            _ if ended => return Err(one_statement(Some(position(token)))),
            _ => begun = true,
        }
    }
    Ok(())
}

fn check_kind(statement: &Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Query(_) => Ok(()),
        Statement::Explain { analyze: true, .. } => Err(QueryError::not_allowed(
            "EXPLAIN ANALYZE is not offered; use EXPLAIN, or run the query",
            None,
        )),
        Statement::Explain { statement, .. } => match statement.as_ref() {
            Statement::Query(_) => Ok(()),
            other => Err(reads_only(first_word(other).as_str(), None)),
        },
        other => Err(reads_only(first_word(other).as_str(), None)),
    }
}

fn first_word(statement: &Statement) -> String {
    statement.to_string().split_whitespace().next().unwrap_or_default().to_owned()
}

fn tokenizer_error(error: TokenizerError) -> QueryError {
    QueryError::invalid(
        format!("the SQL can't be read: {}", error.message),
        Some(Position { line: error.location.line, column: error.location.column }),
    )
}

fn parser_error(error: ParserError, sql: &str) -> QueryError {
    match error {
        ParserError::RecursionLimitExceeded => {
            QueryError::complex("the SQL is nested too deep; split it into WITH clauses")
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            located(&message, sql)
        }
    }
}

/// The parser writes the place into its text; it belongs into the error's own field.
fn located(message: &str, sql: &str) -> QueryError {
    let parts = || {
        let (text, place) = message.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        Some((text, Position { line: line.parse().ok()?, column: column.parse().ok()? }))
    };
    let (text, place) = match parts() {
        Some((text, place)) => (text, Some(place)),
        None => (message, None),
    };
    let wanted =
        text.trim().strip_prefix("Expected: ").and_then(|text| text.rsplit_once(", found: "));
    let (said, place) = match wanted {
        Some((wanted, "EOF")) => (format!("it ends where {wanted} was expected"), Some(end(sql))),
        Some((wanted, found)) => {
            let way = hints::instead_of_sign(place.and_then(|place| before(sql, place)), found);
            let said = format!("{wanted} was expected, and here is {found}");
            (way.map_or(said, str::to_owned), place)
        }
        None => (text.trim().to_owned(), place),
    };
    QueryError::invalid(format!("the SQL can't be read: {said}"), place)
}

/// The character before a place.
fn before(sql: &str, place: Position) -> Option<char> {
    let line = sql.lines().nth(usize::try_from(place.line.checked_sub(1)?).ok()?)?;
    line.chars().nth(usize::try_from(place.column.checked_sub(2)?).ok()?)
}

/// The place behind the last character.
fn end(sql: &str) -> Position {
    let last = sql.trim_end().lines().enumerate().last();
    let (line, text) = last.unwrap_or((0, ""));
    Position { line: line as u64 + 1, column: text.chars().count() as u64 + 1 }
}
