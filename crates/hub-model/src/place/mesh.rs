//! Mesh codes of JIS X 0410: the ground cut into cells of a third of a degree and less.
//!
//! A cell of level 1 is 40′ of latitude by 1° of longitude; level 2 cuts it in 8 by 8, level 3 (about 1 km)
//! in 10 by 10 again, and levels 4, 5 and 6 (about 500, 250 and 125 m) halve each side. Whether a point lies
//! north or south of an edge is decided in whole billionths of a degree, since edges are decimal fractions
//! that binary ones miss: 42.9° is an edge, and 42.9 × 120 in floating point lies below it.

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MeshCell {
    level: u8,
    /// Cells of this level from the equator to its southern edge.
    row: u32,
    /// Cells of this level from 100° E to its western edge.
    column: u32,
}

/// Where the edges of a cell lie, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeshBounds {
    /// The western edge's longitude.
    pub west: f64,
    /// The southern edge's latitude.
    pub south: f64,
    /// The eastern edge's longitude.
    pub east: f64,
    /// The northern edge's latitude.
    pub north: f64,
}

/// A degree in the unit that edges are decided in.
const DEGREE: i64 = 1_000_000_000;

/// Cells to two degrees of latitude, by level.
const ROWS: [i64; 6] = [3, 24, 240, 480, 960, 1_920];

/// Cells to one degree of longitude, by level.
const COLUMNS: [i64; 6] = [1, 8, 80, 160, 320, 640];

impl MeshCell {
    /// The levels there are.
    pub const LEVELS: std::ops::RangeInclusive<i64> = 1..=6;

    /// The cell of this level that a point lies in; its southern and western edges belong to it. None
    /// where the code has no digits for the place: south of the equator, from 66°40′ N on, west of 100° E
    /// or from 180° E on, and for a level that there is not. Coordinates count to the ninth decimal.
    pub fn at(latitude: f64, longitude: f64, level: u8) -> Option<Self> {
        let (rows, columns) = cells(level)?;
        let row = exact(latitude)?.checked_mul(rows)?.div_euclid(2 * DEGREE);
        let column = (exact(longitude)? - 100 * DEGREE).checked_mul(columns)?.div_euclid(DEGREE);
        let cell =
            Self { level, row: u32::try_from(row).ok()?, column: u32::try_from(column).ok()? };
        cell.is_coded().then_some(cell)
    }

    /// Reads a code of 4, 6, 8, 9, 10 or 11 digits.
    pub fn parse(code: &str) -> Option<Self> {
        let digits: Vec<u32> = code.chars().map(|c| c.to_digit(10)).collect::<Option<Vec<_>>>()?;
        let level = match digits.len() {
            4 => 1,
            6 => 2,
            8 => 3,
            9 => 4,
            10 => 5,
            11 => 6,
            _ => return None,
        };
        let mut row = digits[0] * 10 + digits[1];
        let mut column = digits[2] * 10 + digits[3];
        for (at, parts) in [(4, 8), (6, 10)] {
            if let Some([south, west]) = digits.get(at..at + 2) {
                if *south >= parts || *west >= parts {
                    return None;
                }
                row = row * parts + south;
                column = column * parts + west;
            }
        }
        for quadrant in digits.get(8..).unwrap_or_default() {
            let quadrant = quadrant.checked_sub(1).filter(|quadrant| *quadrant < 4)?;
            row = row * 2 + quadrant / 2;
            column = column * 2 + quadrant % 2;
        }
        let cell = Self { level, row, column };
        cell.is_coded().then_some(cell)
    }

    /// The level, 1 to 6.
    pub fn level(self) -> u8 {
        self.level
    }

    /// The code.
    pub fn code(self) -> String {
        let mut quadrants = String::new();
        let (mut row, mut column) = (self.row, self.column);
        for _ in 3..self.level.max(3) {
            quadrants.insert(0, char::from(b'1' + (row % 2 * 2 + column % 2) as u8));
            (row, column) = (row / 2, column / 2);
        }
        let mut pairs = String::new();
        for parts in [10, 8].into_iter().skip(3usize.saturating_sub(usize::from(self.level))) {
            pairs.insert_str(0, &format!("{}{}", row % parts, column % parts));
            (row, column) = (row / parts, column / parts);
        }
        format!("{row:02}{column:02}{pairs}{quadrants}")
    }

    /// The cell of a coarser level that this one lies in; itself for its own level, none for a finer one.
    pub fn parent(self, level: u8) -> Option<Self> {
        if !(1..=self.level).contains(&level) {
            return None;
        }
        let (rows, columns) = cells(self.level)?;
        let (fewer_rows, fewer_columns) = cells(level)?;
        let row = self.row / u32::try_from(rows / fewer_rows).ok()?;
        let column = self.column / u32::try_from(columns / fewer_columns).ok()?;
        Some(Self { level, row, column })
    }

    /// Its edges. Each number is the nearest to the true edge.
    pub fn bounds(self) -> MeshBounds {
        let (rows, columns) = self.cells();
        // Whole numbers are divided once, so that nothing is rounded twice.
        let latitude = |row: u32| f64::from(2 * row) / rows;
        let longitude = |column: u32| (f64::from(column) + 100.0 * columns) / columns;
        MeshBounds {
            west: longitude(self.column),
            south: latitude(self.row),
            east: longitude(self.column + 1),
            north: latitude(self.row + 1),
        }
    }

    /// The latitude and longitude of its middle.
    pub fn center(self) -> (f64, f64) {
        let (rows, columns) = self.cells();
        let halves = |count: u32| f64::from(2 * count + 1);
        (halves(self.row) / rows, (halves(self.column) + 200.0 * columns) / (2.0 * columns))
    }

    fn cells(self) -> (f64, f64) {
        // A cell's level is one that there is.
        cells(self.level).map_or((3.0, 1.0), |(rows, columns)| (rows as f64, columns as f64))
    }

    /// Whether the first four digits can tell where the cell is.
    fn is_coded(self) -> bool {
        self.parent(1).is_some_and(|first| first.row < 100 && first.column < 80)
    }
}

/// Cells to two degrees of latitude and to one of longitude.
fn cells(level: u8) -> Option<(i64, i64)> {
    let place = usize::from(level).checked_sub(1)?;
    Some((*ROWS.get(place)?, *COLUMNS.get(place)?))
}

/// Degrees in whole billionths; as a decimal number of nine places was meant.
fn exact(degrees: f64) -> Option<i64> {
    // A double holds any such number of degrees with digits to spare, so that rounding restores it.
    (degrees.abs() <= 360.0).then(|| (degrees * DEGREE as f64).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(latitude: f64, longitude: f64, level: u8) -> Option<String> {
        MeshCell::at(latitude, longitude, level).map(MeshCell::code)
    }

    #[test]
    fn edges_are_decided_as_decimals() {
        // Floating point gives 64402670 here.
        assert_eq!(code(42.9, 140.7567, 3).as_deref(), Some("64402680"));
        assert_eq!(code(42.9 - 1e-9, 140.7567, 3).as_deref(), Some("64402670"));
        // A house in Wakamatsu-cho, Tokyo, by every level.
        for (level, expected) in [
            (1, "5339"),
            (2, "533945"),
            (3, "53394547"),
            (4, "533945471"),
            (5, "5339454711"),
            (6, "53394547112"),
        ] {
            assert_eq!(code(35.7007, 139.7149, level).as_deref(), Some(expected), "{level}");
        }
    }

    #[test]
    fn places_without_a_code_have_none() {
        for (latitude, longitude) in [
            (140.7, 42.9),
            (-1.0, 140.0),
            (66.7, 140.0),
            (42.0, 99.99),
            (42.0, 180.0),
            (f64::NAN, 140.0),
        ] {
            assert_eq!(code(latitude, longitude, 3), None, "{latitude} {longitude}");
        }
        assert_eq!(code(42.0, 140.0, 0), None);
        assert_eq!(code(42.0, 140.0, 7), None);
        for broken in [
            "",
            "644",
            "64402",
            "64408026",
            "64402x80",
            "644026800",
            "644026805",
            "６４４０",
            "9980",
        ] {
            assert_eq!(MeshCell::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_cell_has_edges_a_middle_and_parents() {
        let cell = MeshCell::parse("64402680").unwrap();
        assert_eq!(
            cell.bounds(),
            MeshBounds { west: 140.75, south: 42.9, east: 140.7625, north: 5149.0 / 120.0 }
        );
        assert_eq!(cell.center(), (10297.0 / 240.0, 140.75625));
        assert_eq!(cell.parent(2).unwrap().code(), "644026");
        assert_eq!(cell.parent(1).unwrap().code(), "6440");
        assert_eq!(cell.parent(3), Some(cell));
        assert_eq!(cell.parent(4), None);
    }

    #[test]
    fn a_cells_middle_lies_in_it_and_its_corner_too() {
        // Every cell of a strip across the region, on every level.
        for step in 0..2_000 {
            let latitude = f64::from(84_600 + step) / 2_000.0;
            let longitude = f64::from(1_398_000 + 7 * step) / 10_000.0;
            for level in 1..=6 {
                let cell = MeshCell::at(latitude, longitude, level).unwrap();
                assert_eq!(MeshCell::parse(&cell.code()), Some(cell));
                let (middle, bounds) = (cell.center(), cell.bounds());
                assert_eq!(MeshCell::at(middle.0, middle.1, level), Some(cell));
                assert!(bounds.south <= latitude && latitude < bounds.north, "{latitude} {level}");
                assert!(bounds.west <= longitude && longitude < bounds.east, "{longitude} {level}");
                for parent in 1..=level {
                    assert_eq!(cell.parent(parent), MeshCell::at(latitude, longitude, parent));
                }
            }
        }
    }
}
