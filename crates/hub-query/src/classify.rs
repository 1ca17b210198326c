//! The one place where the engine's errors become ours. Every variant is named, so that a new one is
//! looked at; texts are freed of the engine's own words.

mod words;

use arrow_schema::ArrowError;
use datafusion::{
    common::{DataFusionError, SchemaError},
    parquet::errors::ParquetError,
};

use crate::{
    dialect::hints,
    error::{Position, QueryError},
    functions,
    parse::Names,
    suggest::nearest,
};
use words::{BY_ZERO, too_large, within_filter, wrong_pattern};
pub(crate) use words::{plain, spoken};

/// Functions that look at other rows, and need to be told which.
const WINDOW_ONLY: [&str; 8] =
    ["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"];

/// What is needed to speak of an error in the asker's terms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    pub(crate) memory_limit: u64,
    pub(crate) spill_limit: u64,
    /// The names and aliases of the columns that the query could have meant.
    pub(crate) columns: Vec<String>,
    /// What the statement names, where there is one.
    pub(crate) names: Option<Names>,
}

impl Context {
    fn place_of(&self, column: &str) -> Option<Position> {
        self.names.as_ref()?.places.get(column).copied()
    }
}

pub(crate) fn classify(error: &DataFusionError, context: &Context) -> QueryError {
    match error {
        DataFusionError::ArrowError(error, _) => arrow(error, context),
        DataFusionError::ParquetError(error) => parquet(error, context),
        DataFusionError::ObjectStore(error) => QueryError::storage(error.to_string()),
        DataFusionError::IoError(error) => io(error, context),
        DataFusionError::SQL(error, _) => QueryError::invalid(plain(&error.to_string()), None),
        DataFusionError::NotImplemented(message) => match hints::instead_of_plan(message) {
            Some(way) => QueryError::not_allowed(way, None),
            None => {
                QueryError::not_allowed(format!("this is not offered: {}", plain(message)), None)
            }
        },
        DataFusionError::Plan(message) if message.starts_with(PRINTED_PLAN) => {
            // What is behind the plan; in the plan is what people ask about, which no log may hold.
            let told = message.rsplit_once("\"] ").map_or("", |(_, told)| told);
            QueryError::internal(format!("a plan does not hold together: it {told}"))
        }
        DataFusionError::Plan(message) => plan(message, context),
        DataFusionError::SchemaError(error, _) => schema(error, context),
        DataFusionError::Execution(message) => {
            let message = wrong_pattern(message).unwrap_or_else(|| plain(message));
            QueryError::Execution { message }
        }
        DataFusionError::ResourcesExhausted(message) => {
            if message.contains("disk") || message.contains("spill") && message.contains("limit") {
                QueryError::SpillLimit { limit_bytes: context.spill_limit }
            } else {
                QueryError::MemoryLimit { limit_bytes: context.memory_limit }
            }
        }
        DataFusionError::External(error) => external(error.as_ref(), context),
        DataFusionError::Context(_, inner) => classify(inner, context),
        DataFusionError::Diagnostic(diagnostic, inner) => {
            let mut error = classify(inner, context);
            if let QueryError::InvalidSql { position, .. } | QueryError::NotAllowed { position, .. } =
                &mut error
                && position.is_none()
                && let Some(span) = diagnostic.span
            {
                *position = Some(Position { line: span.start.line, column: span.start.column });
            }
            error
        }
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => classify(first, context),
            None => QueryError::internal("several errors without any"),
        },
        DataFusionError::Shared(inner) => classify(inner, context),
        DataFusionError::Internal(message)
        | DataFusionError::Configuration(message)
        | DataFusionError::Substrait(message)
        | DataFusionError::Ffi(message) => QueryError::internal(message.clone()),
        DataFusionError::ExecutionJoin(error) => QueryError::internal(error.to_string()),
    }
}

/// How the engine begins to tell that a plan of its own making does not hold together: with the plan, which
/// names stored files and is nothing that whoever asked could mend.
const PRINTED_PLAN: &str = "Plan: [";

/// Whether the engine found a plan of its own making not to hold together.
pub(crate) fn is_broken_plan(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::Plan(message) if message.starts_with(PRINTED_PLAN))
}

fn arrow(error: &ArrowError, context: &Context) -> QueryError {
    match error {
        ArrowError::DivideByZero => QueryError::Execution { message: BY_ZERO.to_owned() },
        ArrowError::ArithmeticOverflow(message) => {
            QueryError::Execution { message: too_large(message) }
        }
        ArrowError::CastError(message)
        | ArrowError::ParseError(message)
        | ArrowError::ComputeError(message)
        | ArrowError::InvalidArgumentError(message) => {
            let message = wrong_pattern(message)
                .or_else(|| within_filter(message))
                .unwrap_or_else(|| with_form(plain(message)));
            QueryError::Execution { message }
        }
        ArrowError::OffsetOverflowError(_) => QueryError::Execution {
            message: "texts or lists grew over 2 GB at once; make them shorter".to_owned(),
        },
        ArrowError::ExternalError(error) => external(error.as_ref(), context),
        ArrowError::IoError(_, error) => io(error, context),
        ArrowError::MemoryError(_) => QueryError::MemoryLimit { limit_bytes: context.memory_limit },
        ArrowError::NotYetImplemented(message) => {
            QueryError::not_allowed(format!("this is not offered: {}", plain(message)), None)
        }
        ArrowError::SchemaError(_)
        | ArrowError::CsvError(_)
        | ArrowError::JsonError(_)
        | ArrowError::AvroError(_)
        | ArrowError::IpcError(_)
        | ArrowError::ParquetError(_)
        | ArrowError::CDataInterface(_)
        | ArrowError::DictionaryKeyOverflowError
        | ArrowError::RunEndIndexOverflowError => QueryError::internal(error.to_string()),
    }
}

fn parquet(error: &ParquetError, context: &Context) -> QueryError {
    match error {
        ParquetError::External(error) => external(error.as_ref(), context),
        // The reader of footers keeps only the text of the store's error.
        ParquetError::General(message) if message.contains("Object Store error") => {
            QueryError::storage(message.clone())
        }
        other => QueryError::internal(other.to_string()),
    }
}

fn io(error: &std::io::Error, context: &Context) -> QueryError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            QueryError::SpillLimit { limit_bytes: context.spill_limit }
        }
        _ if error.to_string().contains("during the spilling process") => {
            QueryError::SpillLimit { limit_bytes: context.spill_limit }
        }
        _ => match error.get_ref() {
            Some(inner) => external(inner, context),
            None => QueryError::storage(error.to_string()),
        },
    }
}

fn external(error: &(dyn std::error::Error + 'static), context: &Context) -> QueryError {
    if let Some(error) = error.downcast_ref::<QueryError>() {
        error.clone()
    } else if let Some(error) = error.downcast_ref::<DataFusionError>() {
        classify(error, context)
    } else if let Some(error) = error.downcast_ref::<ArrowError>() {
        arrow(error, context)
    } else if let Some(error) = error.downcast_ref::<ParquetError>() {
        parquet(error, context)
    } else if let Some(error) = error.downcast_ref::<std::io::Error>() {
        io(error, context)
    } else if error.is::<object_store::Error>() {
        QueryError::storage(error.to_string())
    } else if let Some(message) = wrong_pattern(&error.to_string()) {
        QueryError::Execution { message }
    } else {
        QueryError::internal(error.to_string())
    }
}

fn plan(message: &str, context: &Context) -> QueryError {
    if let Some(column) = words::outside_of_groups(message) {
        let said = format!(
            "{column:?} is neither in GROUP BY nor put together; add it to GROUP BY, or say what is taken of \
             the rows of a group, as in max({column})"
        );
        return QueryError::invalid(said, context.place_of(&column));
    }
    if let Some(rest) = message.strip_prefix("table function '")
        && let Some((name, _)) = rest.split_once('\'')
    {
        let said = format!("there is no function {name:?} that gives a table");
        let way = hints::instead_of_function(name).map(|way| format!(": {way}"));
        return QueryError::invalid(said + &way.unwrap_or_default(), None);
    }
    if let Some(rest) = message.strip_prefix("Invalid function '")
        && let Some((name, _)) = rest.split_once('\'')
    {
        if WINDOW_ONLY.contains(&name.to_lowercase().as_str()) {
            let said = format!("{name} looks at other rows; write {name}(…) OVER (ORDER BY …)");
            return QueryError::invalid(said, None);
        }
        if let Some(way) = hints::instead_of_function(name) {
            return QueryError::invalid(format!("there is no function {name:?} here: {way}"), None);
        }
        let mut suggestions = nearest(name, functions::called().iter().map(String::as_str));
        suggestions.truncate(1);
        return QueryError::InvalidSql {
            message: asking(&format!("there is no function {name:?}"), &suggestions),
            position: None,
            suggestions,
        };
    }
    QueryError::invalid(plain(message), None)
}

fn schema(error: &SchemaError, context: &Context) -> QueryError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known = valid_fields.iter().map(|column| column.name.as_str());
            let aliases = context.columns.iter().map(String::as_str);
            let mut suggestions = nearest(&field.name, known.chain(aliases));
            let shown = match &field.relation {
                Some(relation) => format!("{}.{}", relation.table(), field.name),
                None => field.name.clone(),
            };
            let message = format!("there is no column {shown:?} here");
            let clock = matches!(field.name.as_str(), "localtimestamp" | "localtime" | "sysdate");
            let way = match hints::instead_of_function(&field.name) {
                Some(way) if clock => Some(way.to_owned()),
                _ if suggestions.is_empty() => words::as_text(&field.name),
                _ => None,
            };
            if let Some(way) = way.filter(|_| field.relation.is_none()) {
                let position = context.place_of(&field.name);
                return QueryError::invalid(format!("{message}: {way}"), position);
            }
            // A dataset of the query has it; what is named in this FROM does not give it.
            let elsewhere = suggestions.contains(&field.name);
            suggestions.retain(|name| *name != field.name);
            let message = if elsewhere {
                format!(
                    "{message}: what this FROM names does not give it; select it in the subquery, or \
                     write the table's name in front"
                )
            } else {
                asking(&message, &suggestions)
            };
            QueryError::InvalidSql { message, position: context.place_of(&field.name), suggestions }
        }
        SchemaError::AmbiguousReference { field } => {
            QueryError::ambiguous(&field.name, context.place_of(&field.name))
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => QueryError::invalid(
            format!("two columns are called {name:?}; give one another name with AS"),
            None,
        ),
    }
}

/// The message with what may have been meant.
pub(crate) fn asking(message: &str, suggestions: &[String]) -> String {
    match suggestions.first() {
        Some(near) => format!("{message}; did you mean {near:?}?"),
        None => message.to_owned(),
    }
}

/// A message on a text that is no time, with a form that is one.
fn with_form(message: String) -> String {
    if message.starts_with("Error parsing timestamp") {
        format!(
            "{message}; write it as '2026-04-01 09:00:00', or with its offset as '2026-04-01T09:00:00+09:00'"
        )
    } else {
        message
    }
}
