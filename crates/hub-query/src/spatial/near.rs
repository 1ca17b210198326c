//! The side that is held: its rows' places in an R-tree, and which of them another place may and does meet.

use std::sync::Arc;

use arrow::{
    array::{AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type},
};
use datafusion::{
    common::Result, execution::memory_pool::MemoryReservation, physical_plan::PhysicalExpr,
};
use geo::{BoundingRect, CoordsIter, Geometry, Point, Rect};
use rstar::{
    AABB, RTree,
    primitives::{GeomWithData, Rectangle},
};

use crate::{
    functions::refused,
    geometry::{Reach, Relation, Steps, Unsaid, apart_m, from_wkt, is_on_earth},
};

/// Where a row's place comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Point { latitude: Arc<dyn PhysicalExpr>, longitude: Arc<dyn PhysicalExpr> },
    Geometry(Arc<dyn PhysicalExpr>),
}

impl Source {
    pub(crate) fn expressions(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        match self {
            Self::Point { latitude, longitude } => vec![latitude, longitude],
            Self::Geometry(geometry) => vec![geometry],
        }
    }

    /// Every row's place; none where there is none.
    pub(crate) fn places(&self, batch: &RecordBatch) -> Result<Vec<Option<Place>>> {
        let values = |expr: &Arc<dyn PhysicalExpr>, data_type: &DataType| {
            let values = expr.evaluate(batch)?.into_array(batch.num_rows())?;
            Ok::<_, datafusion::common::DataFusionError>(cast(&values, data_type)?)
        };
        match self {
            Self::Point { latitude, longitude } => {
                let y = values(latitude, &DataType::Float64)?;
                let x = values(longitude, &DataType::Float64)?;
                let (y, x) = (y.as_primitive::<Float64Type>(), x.as_primitive::<Float64Type>());
                Ok(y.iter()
                    .zip(x)
                    .map(|(y, x)| Place::new(Geometry::Point(Point::new(x?, y?))))
                    .collect())
            }
            Self::Geometry(geometry) => {
                let texts = values(geometry, &DataType::Utf8View)?;
                let texts = texts.as_string_view();
                let place = |text: &str| match from_wkt(text) {
                    Some(geometry) => Ok(Place::new(geometry)),
                    None => {
                        let begin: String = text.chars().take(40).collect();
                        Err(refused(format!(
                            "can't read {begin:?} as a geometry; it must be WKT such as POINT (140.7567 42.9)"
                        )))
                    }
                };
                texts.iter().map(|text| text.map_or(Ok(None), place)).collect()
            }
        }
    }
}

/// Where a row lies, with the box around it.
#[derive(Debug)]
pub(crate) struct Place {
    geometry: Geometry,
    rect: Rect,
}

impl Place {
    /// None for an empty geometry, and for coordinates that are no numbers.
    fn new(geometry: Geometry) -> Option<Self> {
        let rect = geometry.bounding_rect()?;
        let is_number =
            [rect.min(), rect.max()].iter().all(|at| at.x.is_finite() && at.y.is_finite());
        is_number.then_some(Self { geometry, rect })
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.geometry.coords_count() * size_of::<geo::Coord>()
    }
}

/// What two places must be to one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Test {
    /// At most so many metres apart, or less.
    Apart { metres: f64, inclusive: bool },
    /// The first argument is the place that streams where so said.
    Relation { relation: Relation, probe_first: bool },
}

impl Test {
    fn holds(self, held: &Place, probe: &Place, steps: &mut Steps) -> Result<bool, Unsaid> {
        match self {
            Self::Apart { metres, inclusive } => {
                let apart = apart_m(&held.geometry, &probe.geometry, steps)?;
                Ok(apart.is_some_and(|apart| apart < metres || inclusive && apart == metres))
            }
            Self::Relation { relation, probe_first: true } => {
                relation.holds(&probe.geometry, &held.geometry, steps)
            }
            Self::Relation { relation, probe_first: false } => {
                relation.holds(&held.geometry, &probe.geometry, steps)
            }
        }
    }

    /// The boxes that a place which meets this one must touch.
    fn reach(self, probe: &Place) -> Vec<Rect> {
        match self {
            Self::Relation { .. } => vec![probe.rect],
            Self::Apart { metres, .. } if metres >= 0.0 => {
                let (min, max) = (probe.rect.min(), probe.rect.max());
                // What is no place on earth is at no distance from anything.
                if is_on_earth(min.y, min.x) && is_on_earth(max.y, max.x) {
                    Reach::around(probe.rect, metres).boxes
                } else {
                    Vec::new()
                }
            }
            Self::Apart { .. } => Vec::new(),
        }
    }
}

/// The rows that are held.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) batch: RecordBatch,
    places: Vec<Option<Place>>,
    tree: RTree<GeomWithData<Rectangle<[f64; 2]>, u32>>,
    _memory: MemoryReservation,
}

/// About how many bytes a row takes in the tree.
const TREE_BYTES: usize = 80;

impl Held {
    /// Builds the tree. Its memory is taken before it is used.
    pub(crate) fn new(
        batch: RecordBatch,
        source: &Source,
        memory: MemoryReservation,
    ) -> Result<Self> {
        let places = source.places(&batch)?;
        let bytes = places.iter().flatten().map(|place| place.bytes() + TREE_BYTES).sum();
        memory.try_grow(bytes)?;
        let boxes = (0u32..).zip(&places).filter_map(|(row, place)| {
            let rect = place.as_ref()?.rect;
            Some(GeomWithData::new(
                Rectangle::from_corners(rect.min().into(), rect.max().into()),
                row,
            ))
        });
        let tree = RTree::bulk_load(boxes.collect());
        Ok(Self { batch, places, tree, _memory: memory })
    }

    /// The rows whose boxes a place may meet, in their order.
    pub(crate) fn candidates(&self, test: Test, probe: &Place, rows: &mut Vec<u32>) {
        rows.clear();
        for rect in test.reach(probe) {
            let reach = AABB::from_corners(rect.min().into(), rect.max().into());
            rows.extend(self.tree.locate_in_envelope_intersecting(&reach).map(|found| found.data));
        }
        rows.sort_unstable();
        rows.dedup();
    }

    /// Whether a candidate does meet it, and how many steps that took.
    pub(crate) fn meets(&self, test: Test, row: u32, probe: &Place) -> Result<(bool, u64)> {
        let Some(held) = self.places.get(row as usize).and_then(Option::as_ref) else {
            return Ok((false, 0));
        };
        let mut steps = Steps::default();
        match test.holds(held, probe, &mut steps) {
            Ok(meets) => Ok((meets, steps.spent())),
            Err(unsaid) => Err(refused(format!("a join by place {unsaid}"))),
        }
    }
}
