//! The words that are read: PostgreSQL's, with what DuckDB's users write where it means nothing else there.

use std::any::{Any, TypeId};

use datafusion::sql::sqlparser::{
    ast::{Expr, UnaryOperator},
    dialect::{Dialect, PostgreSqlDialect, Precedence},
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::{Token, TokenWithSpan},
};

/// PostgreSQL's words, and some more.
#[derive(Debug)]
pub(crate) struct HubDialect;

/// Hands questions on to PostgreSQL's dialect.
macro_rules! as_postgres {
    ($($method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $method(&self, $($name: $type),*) -> $answer {
            PostgreSqlDialect {}.$method($($name),*)
        })*
    };
}

impl Dialect for HubDialect {
    fn dialect(&self) -> TypeId {
        // Where the parser asks which dialect it reads it means the words of PostgreSQL.
        (PostgreSqlDialect {}).type_id()
    }

    as_postgres! {
        identifier_quote_style(identifier: &str) -> Option<char>;
        is_delimited_identifier_start(ch: char) -> bool;
        is_identifier_start(ch: char) -> bool;
        is_identifier_part(ch: char) -> bool;
        supports_unicode_string_literal() -> bool;
        is_reserved_for_identifier(kw: Keyword) -> bool;
        is_custom_operator_part(ch: char) -> bool;
        get_next_precedence(parser: &Parser) -> Option<Result<u8, ParserError>>;
        supports_filter_during_aggregation() -> bool;
        supports_group_by_expr() -> bool;
        prec_value(prec: Precedence) -> u8;
        allow_extract_custom() -> bool;
        allow_extract_single_quotes() -> bool;
        supports_explain_with_utility_options() -> bool;
        supports_factorial_operator() -> bool;
        supports_bitwise_shift_operators() -> bool;
        supports_named_fn_args_with_colon_operator() -> bool;
        supports_named_fn_args_with_expr_name() -> bool;
        supports_empty_projections() -> bool;
        supports_nested_comments() -> bool;
        supports_string_escape_constant() -> bool;
        supports_numeric_literal_underscores() -> bool;
        supports_array_typedef_with_brackets() -> bool;
        supports_geometric_types() -> bool;
        supports_notnull_operator() -> bool;
        supports_interval_options() -> bool;
        supports_select_wildcard_with_alias() -> bool;
        supports_comma_separated_trim() -> bool;
        supports_xml_expressions() -> bool;
        supports_comment_optimizer_hint() -> bool;
    }

    /// A sign binds tighter than a power: `-2 ^ 2` is 4. The parser would have it the other way round.
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let op = if parser.consume_token(&Token::Minus) {
            UnaryOperator::Minus
        } else if parser.consume_token(&Token::Plus) {
            UnaryOperator::Plus
        } else {
            return None;
        };
        let of = parser.parse_subexpr(self.prec_value(Precedence::Caret));
        Some(of.map(|of| Expr::UnaryOp { op, expr: Box::new(of) }))
    }

    /// `IS [NOT] DISTINCT FROM` ends where `AND` or `OR` goes on; the parser would take all that follows for
    /// what is compared with.
    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        use Keyword::{DISTINCT, FROM, IS, NOT};
        let compared = if parser.parse_keywords(&[IS, DISTINCT, FROM]) {
            Expr::IsDistinctFrom
        } else if parser.parse_keywords(&[IS, NOT, DISTINCT, FROM]) {
            Expr::IsNotDistinctFrom
        } else {
            return None;
        };
        let right = parser.parse_subexpr(precedence);
        Some(right.map(|right| compared(Box::new(expr.clone()), Box::new(right))))
    }

    fn supports_from_first_select(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_select_wildcard_replace(&self) -> bool {
        true
    }

    fn supports_projection_trailing_commas(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }
}

/// `FROM t WHERE …` without a SELECT is `SELECT * FROM t WHERE …`; the parser reads only the first part of it.
pub(crate) fn select_first(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is = |token: &TokenWithSpan, keyword| {
        matches!(&token.token, Token::Word(word)
            if word.quote_style.is_none() && word.keyword == keyword)
    };
    if !tokens.iter().any(|token| is(token, Keyword::FROM)) {
        return tokens;
    }
    let mut written: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut before: Option<Token> = None;
    for (at, token) in tokens.iter().enumerate() {
        let begins = match &before {
            None | Some(Token::LParen | Token::SemiColon) => true,
            Some(Token::Word(word)) => matches!(
                word.keyword,
                Keyword::UNION
                    | Keyword::ALL
                    | Keyword::EXCEPT
                    | Keyword::INTERSECT
                    | Keyword::EXPLAIN
            ),
            Some(_) => false,
        };
        if begins && is(token, Keyword::FROM) && !selects(&tokens[at..], is) {
            let sign = |token| TokenWithSpan::new(token, tokens[at].span);
            written.extend([sign(Token::make_keyword("SELECT")), sign(Token::Mul)]);
        }
        if !matches!(token.token, Token::Whitespace(_)) {
            before = Some(token.token.clone());
        }
        written.push(token.clone());
    }
    written
}

/// Whether the query that begins here has a SELECT of its own.
fn selects(tokens: &[TokenWithSpan], is: impl Fn(&TokenWithSpan, Keyword) -> bool) -> bool {
    let mut depth = 0_usize;
    for token in tokens {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => return false,
            Token::RParen => depth -= 1,
            _ if depth > 0 => {}
            Token::SemiColon => return false,
            _ if is(token, Keyword::SELECT) => return true,
            _ if is(token, Keyword::UNION)
                || is(token, Keyword::EXCEPT)
                || is(token, Keyword::INTERSECT) =>
            {
                return false;
            }
            _ => {}
        }
    }
    false
}
