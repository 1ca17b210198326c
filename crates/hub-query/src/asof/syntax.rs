//! The forms in which people write `ASOF JOIN`, brought to the one that the parser reads.
//!
//! The parser knows `ASOF JOIN t MATCH_CONDITION (c)`. Before it sees the words, `LEFT` and `INNER`, `WITHIN`
//! and the form without `MATCH_CONDITION` are put into the brackets, as the arguments of a call that no
//! function answers to. Every word keeps its place, and what is put in before a word has the place of that
//! word, so that messages point at what was written.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Join, JoinOperator,
        Select, Statement, TableFactor, TableWithJoins, Value, VisitMut, VisitorMut,
    },
    tokenizer::{Span, Token, TokenWithSpan},
};

use super::Kind;
use crate::{bounds::position, error::QueryError};

/// The call that carries what the parser has no place for.
const CARRIER: &str = "__asof";

/// What may be in the brackets of `MATCH_CONDITION`.
pub(super) const ONE_COMPARISON: &str = "takes one comparison of a time of the left table with a time of the right one, by >=, >, <= or <: \
     MATCH_CONDITION (a.time >= b.time)";

/// Words that may stand before `JOIN` and are no as-of join.
const OTHER_JOINS: [&str; 6] = ["RIGHT", "FULL", "CROSS", "NATURAL", "SEMI", "ANTI"];

/// The units that may follow `INTERVAL '1'`.
const UNITS: [&str; 14] = [
    "DAY", "DAYS", "HOUR", "HOURS", "MINUTE", "MINUTES", "SECOND", "SECONDS", "WEEK", "WEEKS",
    "MONTH", "MONTHS", "YEAR", "YEARS",
];

/// The words of a statement with every as-of join in the parser's form.
pub(crate) fn plain_forms(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, QueryError> {
    if !tokens.iter().any(|token| is(token, "ASOF")) {
        return Ok(tokens);
    }
    let tokens =
        tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    Writer { tokens, written: Vec::new(), open: Vec::new(), depth: 0 }.write()
}

/// An as-of join whose condition has not been seen yet.
struct Open {
    kind: Option<Kind>,
    depth: usize,
    word: TokenWithSpan,
}

struct Writer {
    tokens: Vec<TokenWithSpan>,
    written: Vec<TokenWithSpan>,
    open: Vec<Open>,
    depth: usize,
}

impl Writer {
    fn write(mut self) -> Result<Vec<TokenWithSpan>, QueryError> {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at).cloned() {
            if is(&token, "ASOF")
                && let Some((kind, join)) = self.joins(at)?
            {
                let kind = self.kind_before()?.or(kind);
                self.written.extend([token.clone(), self.tokens[join].clone()]);
                self.open.push(Open { kind, depth: self.depth, word: token });
                at = join + 1;
                continue;
            }
            let waited = self.open.last().is_some_and(|open| open.depth == self.depth);
            if waited && is(&token, "MATCH_CONDITION") {
                at = self.condition(at)?;
                continue;
            }
            if waited && is(&token, "ON") {
                self.without_condition(&token);
            } else if waited && ends_join(&token) {
                return Err(self.missing());
            }
            match token.token {
                Token::LParen => self.depth += 1,
                Token::RParen => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.written.push(token);
            at += 1;
        }
        if !self.open.is_empty() {
            return Err(self.missing());
        }
        Ok(self.written)
    }

    /// Of `ASOF` at this place, what is said of its kind and where `JOIN` is; none where it is a name.
    fn joins(&self, at: usize) -> Result<Option<(Option<Kind>, usize)>, QueryError> {
        let word = |place: usize, word: &str| self.tokens.get(place).is_some_and(|t| is(t, word));
        let mut join = at + 1;
        let mut kind = None;
        if word(join, "INNER") {
            (kind, join) = (Some(Kind::Inner), join + 1);
        } else if word(join, "LEFT") {
            (kind, join) = (Some(Kind::Left), join + 1);
            join += usize::from(word(join, "OUTER"));
        } else if let Some(other) = self.tokens.get(join).filter(|t| is_one_of(t, &OTHER_JOINS)) {
            let join = join + 1 + usize::from(word(join + 1, "OUTER"));
            return if word(join, "JOIN") { Err(only_left_or_inner(other)) } else { Ok(None) };
        }
        Ok(word(join, "JOIN").then_some((kind, join)))
    }

    /// Takes back what stood before `ASOF`.
    fn kind_before(&mut self) -> Result<Option<Kind>, QueryError> {
        let outer = self.written.pop_if(|token| is(token, "OUTER"));
        let Some(last) = self.written.last() else { return Ok(None) };
        let kind = if is(last, "LEFT") {
            Kind::Left
        } else if is(last, "INNER") && outer.is_none() {
            Kind::Inner
        } else if is_one_of(last, &OTHER_JOINS) {
            return Err(only_left_or_inner(last));
        } else {
            self.written.extend(outer);
            return Ok(None);
        };
        self.written.pop();
        Ok(Some(kind))
    }

    /// `MATCH_CONDITION (c) WITHIN g` at this place as `MATCH_CONDITION (carrier(kind, g, c))`; returns
    /// where the rest begins.
    fn condition(&mut self, at: usize) -> Result<usize, QueryError> {
        let word = self.tokens[at].clone();
        let Some(open) = self.open.pop() else { return Ok(at + 1) };
        let opens = self.tokens.get(at + 1).is_some_and(|t| t.token == Token::LParen);
        let Some(close) = opens.then(|| self.closing(at + 1)).flatten() else {
            return Err(QueryError::invalid(
                "after MATCH_CONDITION comes the comparison of times in brackets: MATCH_CONDITION \
                 (a.time >= b.time)",
                Some(position(&word)),
            ));
        };
        let (gap, rest) = match self.tokens.get(close + 1).filter(|token| is(token, "WITHIN")) {
            Some(within) => {
                let end = self.gap_end(close + 2).ok_or_else(|| {
                    QueryError::invalid(
                        "after WITHIN comes the greatest gap: WITHIN INTERVAL '1 hour', or a number \
                         where numbers are compared",
                        Some(position(within)),
                    )
                })?;
                (self.tokens[close + 2..end].to_vec(), end)
            }
            None => (Vec::new(), close + 1),
        };
        let condition = self.tokens[at + 2..close].to_vec();
        if let Some(comma) = outer_comma(&condition) {
            return Err(QueryError::invalid(
                format!("MATCH_CONDITION {ONE_COMPARISON}"),
                Some(position(comma)),
            ));
        }
        let spans = (word.span, self.tokens[close].span);
        self.written.push(word);
        self.carry(spans, condition, open.kind.unwrap_or(Kind::Left), gap);
        Ok(rest)
    }

    /// The form without `MATCH_CONDITION`, whose comparison is found in `ON`.
    fn without_condition(&mut self, on: &TokenWithSpan) {
        let Some(open) = self.open.pop() else { return };
        self.written.push(TokenWithSpan::new(Token::make_keyword("MATCH_CONDITION"), on.span));
        let nothing = vec![TokenWithSpan::new(Token::make_keyword("TRUE"), on.span)];
        let spans = (on.span, on.span);
        self.carry(spans, nothing, open.kind.unwrap_or(Kind::Inner), Vec::new());
    }

    /// The condition comes last, so that a message on where it breaks off names the bracket that closes it.
    fn carry(
        &mut self,
        (begin, end): (Span, Span),
        condition: Vec<TokenWithSpan>,
        kind: Kind,
        gap: Vec<TokenWithSpan>,
    ) {
        let sign = |token| TokenWithSpan::new(token, begin);
        let kind = match kind {
            Kind::Left => "left",
            Kind::Inner => "inner",
        };
        self.written.extend([
            sign(Token::LParen),
            sign(Token::make_word(CARRIER, None)),
            sign(Token::LParen),
        ]);
        self.written.extend([sign(Token::SingleQuotedString(kind.to_owned())), sign(Token::Comma)]);
        if !gap.is_empty() {
            self.written.extend(gap);
            self.written.push(sign(Token::Comma));
        }
        self.written.extend(condition);
        let closed = TokenWithSpan::new(Token::RParen, end);
        self.written.extend([closed.clone(), closed]);
    }

    /// Where the bracket that opens here is closed.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                return Some(at);
            }
        }
        None
    }

    /// Where the gap that begins here ends: an interval, a value, or anything in brackets.
    fn gap_end(&self, at: usize) -> Option<usize> {
        let first = self.tokens.get(at)?;
        if first.token == Token::LParen {
            return Some(self.closing(at)? + 1);
        }
        let is_value = |token: &Token| {
            matches!(
                token,
                Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_)
            )
        };
        if !is(first, "INTERVAL") {
            return is_value(&first.token).then_some(at + 1);
        }
        let value = self.tokens.get(at + 1)?;
        let unit = self.tokens.get(at + 2).is_some_and(|token| is_one_of(token, &UNITS));
        is_value(&value.token).then_some(at + 2 + usize::from(unit))
    }

    fn missing(&self) -> QueryError {
        QueryError::invalid(
            "an ASOF JOIN says which times are compared: a ASOF JOIN b MATCH_CONDITION (a.time >= \
             b.time) ON a.key = b.key",
            self.open.last().map(|open| position(&open.word)),
        )
    }
}

/// The first comma that stands in no brackets of its own.
fn outer_comma(tokens: &[TokenWithSpan]) -> Option<&TokenWithSpan> {
    let mut depth = 0_usize;
    tokens.iter().find(|token| {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.token == Token::Comma
    })
}

fn only_left_or_inner(word: &TokenWithSpan) -> QueryError {
    QueryError::invalid(
        "an ASOF JOIN is LEFT or INNER; for RIGHT exchange the tables and turn the comparison round",
        Some(position(word)),
    )
}

fn is(token: &TokenWithSpan, keyword: &str) -> bool {
    matches!(&token.token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
}

fn is_one_of(token: &TokenWithSpan, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| is(token, keyword))
}

/// Words and signs that can't come between a table and its condition.
fn ends_join(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::RParen | Token::Comma | Token::EOF | Token::SemiColon)
        || is_one_of(
            token,
            &["USING", "JOIN", "ASOF", "WHERE", "GROUP", "ORDER", "LIMIT", "HAVING", "UNION"],
        )
}

/// What the parser's condition says once the carrier is unpacked.
#[derive(Debug)]
pub(super) struct Condition {
    /// The comparison; none where it is to be found in `ON`.
    pub(super) comparison: Option<(Expr, BinaryOperator, Expr)>,
    pub(super) kind: Kind,
    pub(super) gap: Option<Expr>,
}

impl Condition {
    /// None where the condition is no comparison.
    pub(super) fn of(condition: Expr) -> Option<Self> {
        let Expr::Function(call) = condition else { return None };
        if !call.name.to_string().eq_ignore_ascii_case(CARRIER) {
            return None;
        }
        let FunctionArguments::List(list) = call.args else { return None };
        let arguments = list.args.into_iter().map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        });
        let mut arguments = arguments.collect::<Option<Vec<_>>>()?;
        let comparison = match without_brackets(arguments.pop()?) {
            Expr::Value(value) if value.value == Value::Boolean(true) => None,
            Expr::BinaryOp { left, op, right } => Some((*left, op, *right)),
            _ => return None,
        };
        let mut arguments = arguments.into_iter();
        let kind = match arguments.next()? {
            Expr::Value(value) if value.value == Value::SingleQuotedString("inner".into()) => {
                Kind::Inner
            }
            _ => Kind::Left,
        };
        let gap = arguments.next();
        Some(Self { comparison, kind, gap })
    }
}

/// Whether an as-of join of this condition keeps rows of the left table that have no match.
pub(crate) fn is_outer(condition: &Expr) -> bool {
    Condition::of(condition.clone()).is_some_and(|condition| matches!(condition.kind, Kind::Left))
}

fn without_brackets(expr: Expr) -> Expr {
    match expr {
        Expr::Nested(inner) => without_brackets(*inner),
        other => other,
    }
}

/// Puts every as-of join, with all that stands before it in its FROM, into brackets: the planner asks for
/// help with tables and brackets, and not with joins.
pub(crate) fn nest(statement: &mut Statement) {
    // The visitor never breaks.
    let _ = statement.visit(&mut Nester);
}

struct Nester;

impl VisitorMut for Nester {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        select.from.iter_mut().for_each(bracket);
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        // One that is the last of its brackets is what the planner is asked about.
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor
            && let [before @ .., _] = table_with_joins.joins.as_slice()
            && before.iter().any(is_asof)
        {
            bracket(table_with_joins);
        }
        ControlFlow::Continue(())
    }
}

pub(super) fn is_asof(join: &Join) -> bool {
    matches!(join.join_operator, JoinOperator::AsOf { .. })
}

fn bracket(from: &mut TableWithJoins) {
    if !from.joins.iter().any(is_asof) {
        return;
    }
    let mut joins = Vec::new();
    let mut relation = from.relation.clone();
    for join in std::mem::take(&mut from.joins) {
        let asof = is_asof(&join);
        joins.push(join);
        if asof {
            let inside = TableWithJoins { relation, joins: std::mem::take(&mut joins) };
            relation = TableFactor::NestedJoin { table_with_joins: Box::new(inside), alias: None };
        }
    }
    from.relation = relation;
    from.joins = joins;
}
