//! A table or subquery as the names of a statement see it: what it is called, and its columns.

use datafusion::sql::sqlparser::ast::Ident;

use crate::parse::fold;

/// A column by the name that a query must use in the end, and the other name by which it may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) other: Option<String>,
    /// What it is of a dataset; none where the query makes it.
    pub(super) origin: Option<Origin>,
}

impl Column {
    pub(super) fn plain(name: impl Into<String>) -> Self {
        Self { name: name.into(), other: None, origin: None }
    }
}

/// A column of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// Which of the relations that are read; each time that one is named is another.
    pub(super) read: usize,
    /// Its place in the contract.
    pub(super) field: usize,
    /// The place and the contract's name of the column that tells its quality.
    pub(super) judge: Option<(usize, String)>,
    /// Whether every row has a value in it.
    pub(super) is_required: bool,
    /// The contract's name of a column in which every row has a value.
    pub(super) required: Option<String>,
    /// Whether an outer join may have made up the row.
    pub(super) is_made_up: bool,
}

/// What stands in FROM: what it may be called by, part by part, and its columns.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) called: Vec<Ident>,
    pub(super) columns: Vec<Column>,
}

impl Relation {
    /// Columns that have nothing in front.
    pub(super) fn unnamed(columns: Vec<Column>) -> Self {
        Self { called: Vec::new(), columns }
    }

    pub(super) fn name(&self) -> &[Ident] {
        &self.called
    }

    /// Whether what stands in front of a column means this one.
    pub(super) fn is_called(&self, qualifier: &[Ident]) -> bool {
        let (own, asked) = (self.called.iter().rev(), qualifier.iter().rev());
        !qualifier.is_empty()
            && qualifier.len() <= self.called.len()
            && own.zip(asked).all(|(own, asked)| fold(own) == fold(asked))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// A dataset's column that may be called so.
    pub(super) fn of_dataset(&self, name: &str) -> Option<&Column> {
        let called = |column: &&Column| column.name == name && column.origin.is_some();
        let own = self.columns.iter().find(called);
        own.or_else(|| {
            let mut columns = self.columns.iter().filter(|column| column.origin.is_some());
            columns.find(|column| column.other.as_deref() == Some(name))
        })
    }

    /// The column beside a dataset's column that tells its quality: none where its contract has none, and
    /// the contract's name for it where this relation does not give it.
    pub(super) fn judge<'a>(&'a self, value: &'a Column) -> Option<Result<&'a Column, &'a str>> {
        let own = value.origin.as_ref()?;
        let (place, name) = own.judge.as_ref()?;
        let judge = self.beside(own, |origin| origin.field == *place).next();
        Some(judge.ok_or(name.as_str()))
    }

    /// A column that has a value wherever the dataset has a row, also behind an outer join. One that shares its
    /// name is none: joined by USING, it has the values of the other table too.
    pub(super) fn always<'a>(&'a self, value: &'a Column) -> Option<&'a Column> {
        let own = value.origin.as_ref()?;
        let same = |name: &str| self.columns.iter().filter(|column| column.name == name).count();
        self.beside(own, |origin| origin.is_required).find(|column| same(&column.name) == 1)
    }

    /// Its rows may be made up by an outer join.
    pub(super) fn make_up(&mut self) {
        let origins = self.columns.iter_mut().filter_map(|column| column.origin.as_mut());
        origins.for_each(|origin| origin.is_made_up = true);
    }

    fn beside<'a>(
        &'a self,
        own: &'a Origin,
        is: impl Fn(&Origin) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Column> {
        let fits = move |origin: &Origin| origin.read == own.read && is(origin);
        self.columns.iter().filter(move |column| column.origin.as_ref().is_some_and(&fits))
    }

    /// The name of the column that has this other one.
    pub(super) fn meant(&self, other: &str) -> Option<&str> {
        let column = self.columns.iter().find(|column| column.other.as_deref() == Some(other))?;
        Some(&column.name)
    }
}
