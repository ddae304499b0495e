//! Medians, percentiles, and how a pair is printed.

use std::time::Duration;

/// Waits of one run, sorted when asked.
#[derive(Default)]
pub struct Waits(pub Vec<Duration>);

impl Waits {
    /// The wait that so many of a thousand do not exceed, in microseconds.
    pub fn at(&mut self, per_mille: usize) -> f64 {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        self.0
            .get(last * per_mille / 1000)
            .map_or(0.0, |wait| wait.as_secs_f64() * 1e6)
    }
}

/// The middle of some numbers.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints ours, the rival's, and the median of the ratios of pairs with the least and the greatest.
pub fn show(what: &str, rival: &str, unit: &str, pairs: &[(f64, f64)]) {
    let ratios: Vec<f64> = pairs.iter().map(|(ours, theirs)| ours / theirs).collect();
    let ours: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
    let theirs: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = ratios.iter().copied().fold(0.0, f64::max);
    println!(
        "{what}: ours {:.2} {unit}, {rival} {:.2} {unit}, ratio {:.2} ({least:.2} to {greatest:.2})",
        median(&ours),
        median(&theirs),
        median(&ratios),
    );
}
