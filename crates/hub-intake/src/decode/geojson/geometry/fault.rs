//! What can be wrong with a geometry, and how people are told.

use std::fmt::Write;

use crate::IntakeError;

/// What is wrong with a geometry.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Fault {
    Kind(String),
    Shape,
    Swapped(f64, f64),
    Range(f64, f64),
    Open,
    Few,
}

impl Fault {
    /// The error of features with this fault; `features` are their numbers.
    pub(in super::super) fn refusal(&self, features: &str, count: u64) -> IntakeError {
        let (mut ja, mut en) = (String::new(), String::new());
        // Writing to a text can't fail.
        let _ = match self {
            Self::Kind(kind) => {
                let kind = crate::show::show_text(kind);
                let _ = write!(
                    ja,
                    "図形の種類「{kind}」は扱えません。Point、LineString、Polygonか、そのMultiにしてください"
                );
                write!(
                    en,
                    "there is no geometry of the type {kind:?}; use Point, LineString, Polygon or their Multi forms"
                )
            }
            Self::Shape => {
                let _ = write!(ja, "座標の入れ子が図形の種類に合いません。書き出し直してください");
                write!(
                    en,
                    "the coordinates are not nested as the geometry's type asks for; write the file anew"
                )
            }
            Self::Swapped(x, y) => {
                let _ = write!(
                    ja,
                    "座標が［{x}, {y}］で、緯度・経度の順のようです。GeoJSONは［経度, 緯度］の順です。入れ替えてください"
                );
                write!(
                    en,
                    "a position is [{x}, {y}], which seems to be latitude first; GeoJSON has [longitude, latitude]: swap them"
                )
            }
            Self::Range(x, y) => {
                let _ = write!(
                    ja,
                    "座標［{x}, {y}］が経度・緯度の範囲にありません。平面直角座標などなら、WGS 84の経度・緯度（度）に変換してください"
                );
                write!(
                    en,
                    "the position [{x}, {y}] is no longitude and latitude; if it is in metres, convert the file to degrees of WGS 84"
                )
            }
            Self::Open => {
                let _ = write!(
                    ja,
                    "面の輪が閉じていません。最後の座標を最初の座標と同じにしてください"
                );
                write!(
                    en,
                    "a ring of a polygon is not closed; its last position must be its first again"
                )
            }
            Self::Few => {
                let _ = write!(
                    ja,
                    "線は2点、面の輪は4点以上（最初と最後は同じ点）が要ります。点の足りない図形を直すか、削ってください"
                );
                write!(
                    en,
                    "a line needs two positions and a ring four (the last like the first); mend or take out geometries with fewer"
                )
            }
        };
        IntakeError::unreadable(
            format!("{features}番目の地物（全部で{count}件）: {ja}"),
            format!("feature {features} ({count} in all): {en}"),
        )
    }
}
