//! The tables of a feed: what each must have, what names its rows, and which columns lead to which table.

use hub_model::{Field, FieldRole, FieldType};

use super::{
    super::column::{self, Describe, count, number},
    plain, typed,
};

/// One table of a feed.
#[derive(Debug)]
pub(crate) struct Table {
    /// The file's name without its ending, which is the table's too.
    pub(crate) name: &'static str,
    /// Columns without which it is not this table.
    pub(crate) required: &'static [&'static str],
    /// The columns that name a row.
    pub(super) key: &'static [&'static str],
}

const fn table(
    name: &'static str,
    required: &'static [&'static str],
    key: &'static [&'static str],
) -> Table {
    Table { name, required, key }
}

/// Every table that is read, in the order in which they are worth reading.
pub(crate) const TABLES: &[Table] = &[
    table("agency", &["agency_name", "agency_timezone"], &["agency_id"]),
    table("agency_jp", &["agency_id"], &["agency_id"]),
    table("stops", &["stop_id"], &["stop_id"]),
    table("routes", &["route_id", "route_type"], &["route_id"]),
    table("routes_jp", &["route_id"], &["route_id"]),
    table("trips", &["route_id", "service_id", "trip_id"], &["trip_id"]),
    table("office_jp", &["office_id"], &["office_id"]),
    table("pattern_jp", &["jp_pattern_id"], &["jp_pattern_id"]),
    table("stop_times", &["trip_id", "stop_id", "stop_sequence"], &["trip_id", "stop_sequence"]),
    table("calendar", &["service_id", "monday", "start_date", "end_date"], &["service_id"]),
    table("calendar_dates", &["service_id", "date", "exception_type"], &["service_id", "date"]),
    table("fare_attributes", &["fare_id", "price"], &["fare_id"]),
    table("fare_rules", &["fare_id"], &[]),
    table(
        "shapes",
        &["shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"],
        &["shape_id", "shape_pt_sequence"],
    ),
    table(
        "frequencies",
        &["trip_id", "start_time", "end_time", "headway_secs"],
        &["trip_id", "start_time"],
    ),
    table("transfers", &["from_stop_id", "to_stop_id"], &[]),
    table("feed_info", &["feed_publisher_name"], &[]),
    table("translations", &["translation"], &[]),
];

/// A column of one table that names a row of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct GtfsLink {
    /// The table that the column is in.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The table whose row it names.
    pub to_table: &'static str,
    /// The column that names the row there.
    pub to_column: &'static str,
}

const LINKS: [(&str, &str, &str, &str); 18] = [
    ("agency_jp", "agency_id", "agency", "agency_id"),
    ("routes", "agency_id", "agency", "agency_id"),
    ("routes_jp", "route_id", "routes", "route_id"),
    ("trips", "route_id", "routes", "route_id"),
    ("trips", "service_id", "calendar", "service_id"),
    ("trips", "shape_id", "shapes", "shape_id"),
    ("trips", "jp_office_id", "office_jp", "office_id"),
    ("trips", "jp_pattern_id", "pattern_jp", "jp_pattern_id"),
    ("stop_times", "trip_id", "trips", "trip_id"),
    ("stop_times", "stop_id", "stops", "stop_id"),
    ("stops", "parent_station", "stops", "stop_id"),
    ("calendar_dates", "service_id", "calendar", "service_id"),
    ("fare_rules", "fare_id", "fare_attributes", "fare_id"),
    ("fare_rules", "route_id", "routes", "route_id"),
    ("fare_attributes", "agency_id", "agency", "agency_id"),
    ("frequencies", "trip_id", "trips", "trip_id"),
    ("transfers", "from_stop_id", "stops", "stop_id"),
    ("transfers", "to_stop_id", "stops", "stop_id"),
];

/// How the tables of a feed hang together, of those that it has.
pub(crate) fn links(has: impl Fn(&str) -> bool) -> Vec<GtfsLink> {
    LINKS
        .iter()
        .filter(|(table, _, to_table, _)| has(table) && has(to_table))
        .map(|(table, column, to_table, to_column)| GtfsLink { table, column, to_table, to_column })
        .collect()
}

/// The form of a column's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Whole,
    Number,
    Degrees,
    Boolean,
    Day,
    Clock,
}

/// The form of a column's cells, by its name.
pub(super) fn form(name: &str) -> Form {
    match name {
        "stop_lat" | "stop_lon" | "shape_pt_lat" | "shape_pt_lon" => Form::Degrees,
        "shape_dist_traveled" | "price" => Form::Number,
        "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday" => {
            Form::Boolean
        }
        "start_date" | "end_date" | "date" | "feed_start_date" | "feed_end_date" => Form::Day,
        "arrival_time" | "departure_time" | "start_time" | "end_time" => Form::Clock,
        "stop_sequence"
        | "shape_pt_sequence"
        | "location_type"
        | "route_type"
        | "direction_id"
        | "pickup_type"
        | "drop_off_type"
        | "timepoint"
        | "headway_secs"
        | "exact_times"
        | "transfers"
        | "transfer_type"
        | "min_transfer_time"
        | "transfer_duration"
        | "payment_method"
        | "exception_type"
        | "wheelchair_accessible"
        | "wheelchair_boarding"
        | "bikes_allowed"
        | "route_sort_order"
        | "continuous_pickup"
        | "continuous_drop_off" => Form::Whole,
        _ => Form::Text,
    }
}

pub(super) fn field(table: &str, name: &str, form: Form) -> Field {
    match form {
        Form::Text => plain(name),
        Form::Whole => {
            let field = count(name, name);
            let is_length =
                matches!(name, "headway_secs" | "min_transfer_time" | "transfer_duration");
            if is_length { field.unit("s") } else { field }
        }
        Form::Number => number(name, name).at_least(0),
        Form::Degrees if name.ends_with("lat") => number(name, name).unit("deg").between(-90, 90),
        Form::Degrees => number(name, name).unit("deg").between(-180, 180),
        Form::Boolean => typed(name, FieldType::Boolean),
        // The day that a row is of, where it is of one.
        Form::Day if table == "calendar_dates" => {
            column::time(name, name, FieldType::Date, None).role(FieldRole::Time)
        }
        Form::Day => typed(name, FieldType::Date),
        Form::Clock => plain(name).pattern("[0-9]{2}:[0-5][0-9]:[0-5][0-9]").described(
            "営業日の時刻で、24時を過ぎることがあります。 Of the service day; may pass 24:00.",
        ),
    }
}
