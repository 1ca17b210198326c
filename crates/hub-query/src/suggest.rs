//! Names near a misspelt one.

/// How many are offered.
const MOST: usize = 3;

/// The nearest of the candidates, none where nothing is near.
pub(crate) fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let mut likeness = strsim::jaro_winkler(&wanted, &lower);
            // A letter or two stand in many names.
            let long = wanted.chars().count().min(lower.chars().count()) > 2;
            if long && (lower.contains(&wanted) || wanted.contains(&lower)) {
                likeness = likeness.max(0.8);
            }
            (likeness >= 0.7).then_some((likeness, candidate))
        })
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().take(MOST).map(|(_, candidate)| candidate.to_owned()).collect()
}
