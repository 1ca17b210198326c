//! GeoJSON as a table: each feature is a row of its properties, its geometry and where that lies.
//!
//! The geometry is WKT, since that is the one text form that PostGIS, DuckDB's spatial functions and
//! DataFusion's all read with `ST_GeomFromText`, and it is shorter than GeoJSON's own. Beside it stand
//! a longitude and a latitude: the point itself, the middle of a line, or a point that is certain to lie
//! within a polygon; and for lines and polygons the box around them, with which joins by place begin.
//! Coordinates whose order, range or rings are wrong are told before anything is read.

mod geometry;
mod place;
#[cfg(test)]
mod tests;

use geometry::{Fault, Geometry};
use hub_model::{LayoutReport, Text};

use super::{
    Block, Decode, SourceColumn, TextBlock, Understood,
    json::{
        Text8,
        columns::{Columns, not_an_object},
        lexer::{Event, Lexer},
    },
};
use crate::{IntakeError, IntakeOptions, Recognised, encoding::TextEncoding, show::show_text};

/// How many faults of geometries are named.
const NAMED: usize = 5;

/// The columns made of a geometry; the box only where there are lines or polygons.
const PLACE: [&str; 3] = ["geometry", "longitude", "latitude"];
const BOX: [&str; 4] = ["bbox_west", "bbox_south", "bbox_east", "bbox_north"];

pub(crate) struct GeoJson {
    features: Features,
    columns: Columns,
    sources: Vec<SourceColumn>,
    has_box: bool,
    encoding: TextEncoding,
    notes: Vec<Text>,
    batch_rows: usize,
    batch_bytes: usize,
}

/// Checks the whole file and finds its columns, and begins to read it.
pub(crate) fn open(
    recognised: &Recognised,
    options: &IntakeOptions,
) -> Result<GeoJson, IntakeError> {
    let mut features = Features::open(recognised, None)?;
    let mut columns = Columns::default();
    let mut faults = Faults::default();
    let (mut has_box, mut count) = (false, 0u64);
    while let Some(geometry) = features.next(&mut columns)? {
        options.check_stop()?;
        count += 1;
        match geometry {
            Ok(geometry) => has_box |= geometry.is_some_and(|geometry| !geometry.is_point()),
            Err(fault) => faults.add(features.number, fault),
        }
    }
    if count == 0 {
        return Err(IntakeError::unreadable(
            "GeoJSONに地物（Feature）がありません。書き出しが終わっているかを確かめて、もう一度送ってください",
            "the GeoJSON has no features; check that it was written to its end and send it again",
        ));
    }
    faults.check()?;
    let has_id = features.has_id;
    let id = has_id.then(|| free_name(&columns, "id"));
    // The id is a column of its own, which the second reading fills.
    if let Some(id) = &id {
        columns.begin_with(id, "");
    }
    let made: Vec<String> = PLACE
        .iter()
        .chain(BOX.iter().filter(|_| has_box))
        .map(|name| free_name(&columns, name))
        .collect();
    // Properties may hold nothing at all: the geometry is a table by itself.
    let only_place = columns.is_empty();
    if !only_place {
        columns.finish()?;
    }
    let sources: Vec<_> = columns
        .names()
        .map(str::to_owned)
        .chain(made)
        .map(|name| SourceColumn::text(name, None))
        .collect();
    if sources.len() > hub_model::MAX_FIELDS {
        return Err(super::json::columns::too_wide());
    }
    let mut notes = vec![Text::new(
        "座標をWKTの列「geometry」と、経度・緯度の列にしました（世界測地系の度）",
        "coordinates became WKT in the column geometry, and a longitude and a latitude in degrees",
    )];
    if has_box {
        notes.push(Text::new(
            "線は中ほどの点、面は内側の点を経度・緯度とし、範囲をbbox_の列にしました",
            "for a line the longitude and latitude are of its middle, for a polygon of a point within it; the columns bbox_… are the box around it",
        ));
    }
    Ok(GeoJson {
        features: Features::open(recognised, id)?,
        batch_rows: options.rows_for(sources.len()),
        batch_bytes: options.batch_bytes,
        columns,
        sources,
        has_box,
        encoding: recognised.encoding(),
        notes,
    })
}

/// A name that no property has.
fn free_name(columns: &Columns, name: &str) -> String {
    let mut free = name.to_owned();
    if columns.has(&free) {
        free = format!("feature_{name}");
    }
    while columns.has(&free) {
        free.push('_');
    }
    free
}

impl GeoJson {
    fn write_place(&self, geometry: Option<&Geometry>, block: &mut TextBlock) {
        let mut cell = |text: &str| {
            let start = block.bytes.len() as u32;
            block.bytes.extend_from_slice(text.as_bytes());
            block.spans.push((start, block.bytes.len() as u32));
        };
        let count = PLACE.len() + if self.has_box { BOX.len() } else { 0 };
        let Some(geometry) = geometry else {
            (0..count).for_each(|_| cell(""));
            return;
        };
        cell(&geometry.wkt());
        let (longitude, latitude) = geometry.representative().unwrap_or_default();
        cell(&longitude);
        cell(&latitude);
        if self.has_box {
            for edge in geometry.bounds() {
                cell(&edge);
            }
        }
    }
}

impl Decode for GeoJson {
    fn columns(&self) -> &[SourceColumn] {
        &self.sources
    }

    fn understood(&self) -> Understood {
        let layout = LayoutReport { notes: self.notes.clone(), ..LayoutReport::default() };
        Understood { encoding: Some(self.encoding.name().to_owned()), layout: Some(layout) }
    }

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        let mut block = TextBlock { width: self.sources.len(), ..TextBlock::default() };
        while block.rows() < self.batch_rows && block.bytes.len() < self.batch_bytes {
            let Some(geometry) = self.features.next(&mut self.columns)? else { break };
            let number = self.features.number;
            let geometry = geometry.map_err(|fault| fault.refusal(&number.to_string(), 1))?;
            self.columns.write_row(&mut block);
            self.write_place(geometry.as_ref(), &mut block);
            block.lines.push(number);
        }
        Ok((block.rows() > 0).then_some(Block::Text(block)))
    }
}

/// Faults of geometries: how many of each kind, and in which features first.
#[derive(Default)]
struct Faults(Vec<(Fault, u64, Vec<u64>)>);

impl Faults {
    fn add(&mut self, feature: u64, fault: Fault) {
        let same = |(found, ..): &(Fault, u64, Vec<u64>)| {
            std::mem::discriminant(found) == std::mem::discriminant(&fault)
        };
        let at = self.0.iter().position(same).unwrap_or_else(|| {
            self.0.push((fault.clone(), 0, Vec::new()));
            self.0.len() - 1
        });
        let (_, count, features) = &mut self.0[at];
        *count += 1;
        if features.len() < NAMED {
            features.push(feature);
        }
    }

    fn check(self) -> Result<(), IntakeError> {
        let Some((fault, count, features)) = self.0.into_iter().next() else { return Ok(()) };
        let mut named: Vec<String> = features.iter().map(u64::to_string).collect();
        if count > features.len() as u64 {
            named.push("…".to_owned());
        }
        Err(fault.refusal(&named.join(", "), count))
    }
}

/// The features of a file, one after another.
struct Features {
    lexer: Lexer<Text8>,
    /// Whether they stand one by one at the top, and not within a collection.
    by_line: bool,
    ended: bool,
    number: u64,
    /// The column for ids, once it is known.
    id: Option<String>,
    has_id: bool,
}

impl Features {
    fn open(recognised: &Recognised, id: Option<String>) -> Result<Self, IntakeError> {
        let mut lexer = Lexer::new(recognised.text()?);
        if lexer.next()? != Event::ObjectStart {
            return Err(not_an_object(&lexer));
        }
        loop {
            let event = lexer.next()?;
            if event != Event::Key {
                break;
            }
            let key = lexer.text()?.to_owned();
            let event = lexer.next()?;
            match key.as_str() {
                "features" if event == Event::ArrayStart => {
                    let (by_line, ended, number) = (false, false, 0);
                    return Ok(Self { lexer, by_line, ended, number, id, has_id: false });
                }
                "crs" => check_crs(&mut lexer, event)?,
                _ => lexer.skip(event)?,
            }
        }
        // There is no collection: features may stand one by one.
        let lexer = Lexer::new(recognised.text()?);
        Ok(Self { lexer, by_line: true, ended: false, number: 0, id, has_id: false })
    }

    /// Puts the next feature's properties into `columns` and answers its geometry; none at the end.
    fn next(
        &mut self,
        columns: &mut Columns,
    ) -> Result<Option<Result<Option<Geometry>, Fault>>, IntakeError> {
        if self.ended {
            return Ok(None);
        }
        match self.lexer.next()? {
            Event::ObjectStart => {}
            Event::End if self.by_line => {
                self.ended = true;
                return Ok(None);
            }
            Event::ArrayEnd if !self.by_line => {
                self.ended = true;
                // What follows the features is read to see that the file is whole.
                while self.lexer.depth() > 0 {
                    self.lexer.next()?;
                }
                return Ok(None);
            }
            _ => return Err(not_an_object(&self.lexer)),
        }
        self.number += 1;
        columns.begin();
        let mut geometry = Ok(None);
        let mut id = None;
        let mut is_feature = false;
        let mut had_properties = false;
        while self.lexer.next()? == Event::Key {
            let key = self.lexer.text()?.to_owned();
            let event = self.lexer.next()?;
            match key.as_str() {
                "type" if event == Event::Text => is_feature = self.lexer.text()? == "Feature",
                "geometry" if event == Event::ObjectStart => {
                    geometry = Geometry::read(&mut self.lexer)?.map(Some);
                }
                "properties" if event == Event::ObjectStart && !had_properties => {
                    had_properties = true;
                    columns.read_object(&mut self.lexer)?;
                }
                "id" if matches!(event, Event::Text | Event::Number) => {
                    id = Some(self.lexer.text()?.to_owned());
                }
                _ => self.lexer.skip(event)?,
            }
        }
        if !is_feature {
            return Err(self.lexer.refusal(
                "typeが「Feature」ではないものがあります。FeatureCollectionの形で書き出してください",
                "there is something whose type is not Feature; write the file as a FeatureCollection",
            ));
        }
        if let Some(id) = id {
            self.has_id = true;
            if let Some(column) = &self.id {
                columns.set(column, &id);
            }
        }
        Ok(Some(geometry))
    }
}

/// GeoJSON of before 2016 may name a system of coordinates; only degrees of longitude and latitude are
/// read.
fn check_crs(lexer: &mut Lexer<Text8>, event: Event) -> Result<(), IntakeError> {
    let mut text = Vec::new();
    lexer.copy(event, &mut text, 64 << 10)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let name = text.to_ascii_uppercase();
    // JGD2000 and JGD2011 differ from WGS 84 by less than maps show.
    let known = ["CRS84", "CRS:84", "4326", "6668", "4612", "NULL"];
    if known.iter().any(|known| name.contains(known)) {
        return Ok(());
    }
    let shown = show_text(&text);
    Err(IntakeError::unsupported(
        format!(
            "座標系が経度・緯度ではありません（{shown}）。WGS 84（EPSG:4326）に変換して書き出してください"
        ),
        format!(
            "the coordinates are not longitudes and latitudes ({shown}); write them in WGS 84 (EPSG:4326)"
        ),
    ))
}
