//! `* EXCEPT (…)` as `* EXCLUDE (…)`, and `* EXCLUDE (b.time)` as a `*` of each table, of which that of `b`
//! leaves the column out.

use datafusion::sql::sqlparser::{
    ast::{
        ExcludeSelectItem, Ident, JoinConstraint, JoinOperator, ObjectName, Select, SelectItem,
        SelectItemQualifiedWildcardKind, TableFactor, WildcardAdditionalOptions,
    },
    keywords::Keyword,
    tokenizer::{Token, TokenWithSpan},
};

use crate::parse::fold;

/// Writes EXCLUDE for EXCEPT behind `*`: the parser reads names with their tables only after that.
pub(crate) fn exclude_words(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let plain = |tokens: &[TokenWithSpan], from: usize| {
        let is_plain = |token: &TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
        (from..tokens.len()).find(|at| is_plain(&tokens[*at]))
    };
    let mut star = false;
    for at in 0..tokens.len() {
        let is_except = matches!(&tokens[at].token, Token::Word(word)
            if word.quote_style.is_none() && word.keyword == Keyword::EXCEPT);
        if star && is_except {
            let opens = plain(&tokens, at + 1).filter(|at| tokens[*at].token == Token::LParen);
            let names = opens.and_then(|opens| plain(&tokens, opens + 1)).is_some_and(|first| {
                matches!(&tokens[first].token, Token::Word(word) if word.quote_style.is_some()
                    || !matches!(word.keyword, Keyword::SELECT | Keyword::VALUES | Keyword::WITH))
            });
            if names {
                tokens[at].token = Token::make_keyword("EXCLUDE");
            }
        }
        if !matches!(tokens[at].token, Token::Whitespace(_)) {
            star = tokens[at].token == Token::Mul;
        }
    }
    tokens
}

/// Brings names that are left out with their table in front to a `*` of that table, and those of USING to
/// the `*` of every table.
pub(super) fn rewrite(select: &mut Select) {
    let tables = tables(select);
    let mut items = Vec::with_capacity(select.projection.len());
    for item in std::mem::take(&mut select.projection) {
        match item {
            SelectItem::Wildcard(options) => items.extend(of_each(options, tables.as_deref())),
            SelectItem::QualifiedWildcard(kind, mut options) => {
                if let SelectItemQualifiedWildcardKind::ObjectName(table) = &kind {
                    let of = Table { name: table.clone(), using: Vec::new(), is_asof: false };
                    let own = names(&options).map(|name| of.own(name)).collect();
                    put(&mut options, own);
                }
                items.push(SelectItem::QualifiedWildcard(kind, options));
            }
            other => items.push(other),
        }
    }
    select.projection = items;
}

fn of_each(mut options: WildcardAdditionalOptions, tables: Option<&[Table]>) -> Vec<SelectItem> {
    let using = |name: &Ident| {
        let columns = tables.iter().flat_map(|tables| tables.iter()).flat_map(|table| &table.using);
        columns.map(fold).any(|column| column == fold(name))
    };
    let shared = |name: &ObjectName| matches!(alone(name), Some(column) if using(column));
    let Some(tables) =
        tables.filter(|_| names(&options).any(|name| alone(name).is_none() || shared(name)))
    else {
        return vec![SelectItem::Wildcard(options)];
    };
    if let [table] = tables {
        let own = names(&options).map(|name| table.own(name)).collect();
        put(&mut options, own);
        return vec![SelectItem::Wildcard(options)];
    }
    // A name alone is one that all tables have, or it may be any table's.
    let told = names(&options).all(|name| match split_name(name) {
        Some((of, _)) => tables.iter().filter(|table| is_called(&table.name, &of)).count() == 1,
        None => shared(name),
    });
    if options.opt_replace.is_some() || !told {
        return vec![SelectItem::Wildcard(options)];
    }
    let each = tables.iter().enumerate().map(|(place, table)| {
        // Of an as-of join the column of the right table is gone already.
        let gone = |name: &ObjectName| {
            let column = alone(name).map(fold);
            table.is_asof && table.using.iter().any(|using| Some(fold(using)) == column)
        };
        let using = table.using.iter().map(named);
        let mut own: Vec<ObjectName> = using.filter(|name| !gone(name)).collect();
        let left_out = names(&options).filter_map(|name| match split_name(name) {
            Some((of, column)) => is_called(&table.name, &of).then(|| named(&column)),
            // It is a column of the tables that USING joins by it, and of the first.
            None => {
                let joined =
                    table.using.iter().map(fold).any(|using| alone(name).map(fold) == Some(using));
                (place == 0 || joined).then(|| name.clone())
            }
        });
        for name in left_out {
            if !gone(&name)
                && !own.iter().any(|known| alone(known).map(fold) == alone(&name).map(fold))
            {
                own.push(name);
            }
        }
        let mut of_table = options.clone();
        put(&mut of_table, own);
        let kind = SelectItemQualifiedWildcardKind::ObjectName(table.name.clone());
        SelectItem::QualifiedWildcard(kind, of_table)
    });
    each.collect()
}

/// A table as a select calls it, and the columns of it that USING shows as those of the tables before.
struct Table {
    name: ObjectName,
    using: Vec<Ident>,
    is_asof: bool,
}

impl Table {
    /// A name without this table in front.
    fn own(&self, name: &ObjectName) -> ObjectName {
        match split_name(name) {
            Some((of, column)) if is_called(&self.name, &of) => named(&column),
            _ => name.clone(),
        }
    }
}

/// What a select calls its tables; none where a `*` shows other columns than theirs one after the other.
fn tables(select: &Select) -> Option<Vec<Table>> {
    let mut tables = Vec::new();
    for from in &select.from {
        tables.push(Table { name: table(&from.relation)?, using: Vec::new(), is_asof: false });
        for join in &from.joins {
            let using = match &join.join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::Left(constraint)
                | JoinOperator::LeftOuter(constraint)
                | JoinOperator::CrossJoin(constraint)
                | JoinOperator::AsOf { constraint, .. } => match constraint {
                    JoinConstraint::On(_) | JoinConstraint::None => Vec::new(),
                    JoinConstraint::Using(columns) => {
                        columns.iter().filter_map(|name| alone(name).cloned()).collect()
                    }
                    JoinConstraint::Natural => return None,
                },
                JoinOperator::Right(JoinConstraint::On(_))
                | JoinOperator::RightOuter(JoinConstraint::On(_))
                | JoinOperator::FullOuter(JoinConstraint::On(_)) => Vec::new(),
                _ => return None,
            };
            let is_asof = matches!(join.join_operator, JoinOperator::AsOf { .. });
            tables.push(Table { name: table(&join.relation)?, using, is_asof });
        }
    }
    Some(tables)
}

fn table(factor: &TableFactor) -> Option<ObjectName> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. } => Some(named(&alias.name)),
        TableFactor::Table { name, alias: None, args: None, .. } => Some(name.clone()),
        _ => None,
    }
}

fn named(column: &Ident) -> ObjectName {
    ObjectName::from(vec![column.clone()])
}

/// A name of one word.
fn alone(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [part] => part.as_ident(),
        _ => None,
    }
}

fn is_called(table: &ObjectName, by: &[Ident]) -> bool {
    let own = table.0.iter().rev().map(|part| part.as_ident().map(fold));
    by.len() <= table.0.len()
        && own.zip(by.iter().rev()).all(|(own, by)| own.as_deref() == Some(&fold(by)))
}

fn names(options: &WildcardAdditionalOptions) -> impl Iterator<Item = &ObjectName> {
    let names = match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => std::slice::from_ref(name),
        Some(ExcludeSelectItem::Multiple(names)) => names.as_slice(),
        None => &[],
    };
    names.iter()
}

fn put(options: &mut WildcardAdditionalOptions, names: Vec<ObjectName>) {
    options.opt_exclude = (!names.is_empty()).then_some(ExcludeSelectItem::Multiple(names));
}

/// A name as what stands in front and the column; none where nothing stands in front.
fn split_name(name: &ObjectName) -> Option<(Vec<Ident>, Ident)> {
    let parts: Option<Vec<Ident>> = name.0.iter().map(|part| part.as_ident().cloned()).collect();
    let (column, of) = parts.as_deref()?.split_last().filter(|(_, of)| !of.is_empty())?;
    Some((of.to_vec(), column.clone()))
}
