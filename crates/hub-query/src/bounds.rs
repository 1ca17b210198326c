//! Bounds on SQL, checked on the flat list of its tokens before the recursive parser sees it.
//!
//! The depth computed here is never less than the depth of the tree that the parser makes of the same
//! tokens, so what passes is safe to parse, plan and drop on the stacks that this crate provides.

mod expanded;

use datafusion::sql::sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan},
};

pub(crate) use expanded::{Expanded, Size};

use crate::error::{Position, QueryError};

/// How large a statement may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlBounds {
    /// The most bytes of text.
    pub max_bytes: usize,
    /// The most words, numbers, texts and signs.
    pub max_tokens: usize,
    /// The most brackets, subqueries and cases open at once.
    pub max_nesting: usize,
    /// The most functions called inside one another. The planner's work doubles with each.
    pub max_calls: usize,
    /// The most subqueries inside one another. The planner's work doubles with each.
    pub max_subqueries: usize,
    /// The most operators that depend on one another, as in `a + b + c + …`.
    pub max_depth: usize,
    /// The most elements of one list.
    pub max_elements: usize,
    /// The most `UNION`, `INTERSECT` and `EXCEPT`.
    pub max_set_operations: usize,
    /// The most `JOIN`.
    pub max_joins: usize,
    /// The most tables, with those of every WITH name counted each time it is read.
    pub max_relations: u64,
    /// The most columns in one expression, with every column of a subquery or WITH name written out as it
    /// was computed there. The planner moves conditions to the tables in that form.
    pub max_written_out: u64,
}

impl Default for SqlBounds {
    fn default() -> Self {
        Self {
            max_bytes: 100_000,
            max_tokens: 30_000,
            max_nesting: 64,
            max_calls: 12,
            max_subqueries: 12,
            max_depth: 500,
            max_elements: 10_000,
            max_set_operations: 100,
            max_joins: 40,
            max_relations: 256,
            max_written_out: 4_000,
        }
    }
}

/// One bracket or `CASE` that is open.
#[derive(Default)]
struct Level {
    /// Whether `CASE` opened it, so that `END` closes it.
    case: bool,
    /// Whether it holds the arguments of a function.
    call: bool,
    /// Whether it holds a query.
    subquery: bool,
    /// Operators since the last separator.
    operators: usize,
    /// The deepest operand since the last separator.
    operand: usize,
    /// The deepest part before it.
    deepest: usize,
    /// Commas.
    commas: usize,
}

impl Level {
    fn separate(&mut self) {
        self.deepest = self.deepest.max(self.operators + self.operand);
        self.operators = 0;
        self.operand = 0;
    }

    fn close(mut self) -> usize {
        self.separate();
        self.deepest + 1
    }
}

impl SqlBounds {
    /// Refuses text that is too long to look at.
    pub(crate) fn check_length(&self, sql: &str) -> Result<(), QueryError> {
        if sql.len() > self.max_bytes {
            return Err(QueryError::complex(format!(
                "the SQL has {} bytes; at most {} are allowed. Put long lists into a parameter or a \
                 dataset",
                sql.len(),
                self.max_bytes
            )));
        }
        Ok(())
    }

    /// Refuses what would be too deep or too wide.
    pub(crate) fn check_tokens(&self, tokens: &[TokenWithSpan]) -> Result<(), QueryError> {
        let mut count = 0;
        let mut set_operations = 0;
        let mut joins = 0;
        let mut levels = vec![Level::default()];
        let mut before: Option<&Token> = None;
        for token in tokens {
            if matches!(token.token, Token::Whitespace(_) | Token::EOF) {
                continue;
            }
            let previous = before.replace(&token.token);
            count += 1;
            if count > self.max_tokens {
                return Err(QueryError::complex(format!(
                    "the SQL has more than {} words and signs; split it into several queries",
                    self.max_tokens
                )));
            }
            if is_select(&token.token)
                && levels.len() > 1
                && let Some(level) = levels.last_mut()
            {
                level.subquery = true;
                if levels.iter().filter(|level| level.subquery).count() > self.max_subqueries {
                    return Err(QueryError::complex(format!(
                        "more than {} subqueries are inside one another at {}; name them in WITH \
                         clauses",
                        self.max_subqueries,
                        position(token)
                    )));
                }
            }
            match part(&token.token) {
                Part::Open => {
                    if levels.len() > self.max_nesting {
                        return Err(self.too_nested(token));
                    }
                    levels.push(Level {
                        case: is_word(&token.token),
                        call: token.token == Token::LParen && previous.is_some_and(may_be_called),
                        ..Level::default()
                    });
                    if levels.iter().filter(|level| level.call).count() > self.max_calls {
                        return Err(QueryError::complex(format!(
                            "more than {} functions are called inside one another at {}; simplify the \
                             expression",
                            self.max_calls,
                            position(token)
                        )));
                    }
                }
                Part::Close => {
                    let end = is_word(&token.token);
                    while levels.len() > 1 && levels.last().is_some_and(|top| top.case || !end) {
                        let Some(level) = levels.pop() else { break };
                        let matched = level.case == end;
                        let depth = level.close();
                        if let Some(parent) = levels.last_mut() {
                            parent.operand = parent.operand.max(depth);
                            // Calls and subscripts chain like operators do: `a[1][2]`.
                            parent.operators += usize::from(token.token == Token::RBracket);
                        }
                        if matched {
                            break;
                        }
                    }
                }
                Part::Comma => {
                    if let Some(level) = levels.last_mut() {
                        level.separate();
                        level.commas += 1;
                        if level.commas >= self.max_elements {
                            return Err(QueryError::complex(format!(
                                "a list has more than {} elements; use a range, a join with a dataset, \
                                 or several queries",
                                self.max_elements
                            )));
                        }
                    }
                }
                Part::Separator => {
                    if let Some(level) = levels.last_mut() {
                        level.separate();
                    }
                }
                Part::Operator => {
                    if let Some(level) = levels.last_mut() {
                        level.operators += 1;
                    }
                }
                Part::SetOperation => {
                    set_operations += 1;
                    if let Some(level) = levels.last_mut() {
                        level.separate();
                    }
                }
                Part::Join => {
                    joins += 1;
                    if let Some(level) = levels.last_mut() {
                        level.separate();
                    }
                }
                Part::Other => {}
            }
            let Some((top, outer)) = levels.split_last() else { break };
            let around: usize = outer.iter().map(|level| level.operators + 1).sum();
            if around + top.deepest.max(top.operators + top.operand) > self.max_depth {
                return Err(QueryError::complex(format!(
                    "more than {} operations depend on one another near {}; use IN (…) for many ORs, \
                     or split the expression",
                    self.max_depth,
                    position(token)
                )));
            }
        }
        if set_operations > self.max_set_operations {
            return Err(QueryError::complex(format!(
                "at most {} UNION, INTERSECT and EXCEPT are allowed in one query",
                self.max_set_operations
            )));
        }
        if joins > self.max_joins {
            return Err(QueryError::complex(format!(
                "at most {} joins are allowed in one query",
                self.max_joins
            )));
        }
        Ok(())
    }

    fn too_nested(&self, token: &TokenWithSpan) -> QueryError {
        QueryError::complex(format!(
            "brackets, subqueries and cases are nested more than {} deep at {}",
            self.max_nesting,
            position(token)
        ))
    }
}

pub(crate) fn position(token: &TokenWithSpan) -> Position {
    Position { line: token.span.start.line, column: token.span.start.column }
}

fn is_select(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.keyword == Keyword::SELECT)
}

/// Whether a bracket after the word holds the arguments of a function. Words that are counted without
/// being functions only make the bound narrower.
fn may_be_called(token: &Token) -> bool {
    let Token::Word(word) = token else { return false };
    word.quote_style.is_some()
        || !matches!(
            word.keyword,
            Keyword::IN
                | Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::SELECT
                | Keyword::FROM
                | Keyword::WHERE
                | Keyword::ON
                | Keyword::AS
                | Keyword::VALUES
                | Keyword::EXISTS
                | Keyword::ANY
                | Keyword::ALL
                | Keyword::SOME
                | Keyword::JOIN
                | Keyword::USING
                | Keyword::OVER
                | Keyword::THEN
                | Keyword::WHEN
                | Keyword::ELSE
                | Keyword::BY
                | Keyword::HAVING
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::LATERAL
                | Keyword::FILTER
                | Keyword::WITH
                | Keyword::DISTINCT
        )
}

fn is_word(token: &Token) -> bool {
    matches!(token, Token::Word(_))
}

enum Part {
    Open,
    Close,
    Comma,
    Separator,
    Operator,
    SetOperation,
    Join,
    Other,
}

fn part(token: &Token) -> Part {
    match token {
        Token::LParen | Token::LBracket | Token::LBrace => Part::Open,
        Token::RParen | Token::RBracket | Token::RBrace => Part::Close,
        Token::Comma => Part::Comma,
        Token::SemiColon => Part::Separator,
        Token::Word(word) if word.quote_style.is_none() => match word.keyword {
            Keyword::CASE => Part::Open,
            Keyword::END => Part::Close,
            Keyword::SELECT
            | Keyword::FROM
            | Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::QUALIFY
            | Keyword::ORDER
            | Keyword::ON
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE => Part::Separator,
            Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT => Part::SetOperation,
            Keyword::JOIN => Part::Join,
            Keyword::AND
            | Keyword::OR
            | Keyword::XOR
            | Keyword::NOT
            | Keyword::IS
            | Keyword::IN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::SIMILAR
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::BETWEEN
            | Keyword::COLLATE
            | Keyword::AT
            | Keyword::NOTNULL
            | Keyword::OPERATOR
            | Keyword::DIV
            | Keyword::PRIOR
            | Keyword::INTERVAL
            | Keyword::EXPLAIN => Part::Operator,
            _ => Part::Other,
        },
        Token::Word(_)
        | Token::EOF
        | Token::Whitespace(_)
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::TripleSingleQuotedString(_)
        | Token::TripleDoubleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Placeholder(_) => Part::Other,
        // Every other sign is an operator, or is counted as one.
        _ => Part::Operator,
    }
}
