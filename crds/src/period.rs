//! Lengths of time as people write them in YAML: `500ms`, `30s`, `15m`, `24h`, `90d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time: a whole number and one unit of `ms`, `s`, `m`, `h` or `d` (24 hours).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(Duration);

/// A text that is not a [`Period`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a length of time; write a whole number and a unit, such as 30s, 15m, 24h or 90d"
)]
pub struct InvalidPeriod {
    text: String,
}

const UNITS_MS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

impl Period {
    /// A period of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The period as a [`Duration`].
    pub const fn as_duration(self) -> Duration {
        self.0
    }

    /// Whole milliseconds.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// Whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPeriod {
            text: text.to_owned(),
        };
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(invalid)?;
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| invalid())?;
        let (_, ms) = UNITS_MS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(invalid)?;
        number
            .checked_mul(*ms)
            .map(|ms| Self(Duration::from_millis(ms)))
            .ok_or_else(invalid)
    }
}

impl fmt::Display for Period {
    /// Writes the largest unit that divides the period exactly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.as_millis();
        let (unit, ms) = UNITS_MS
            .iter()
            .rev()
            .find(|(_, ms)| total.is_multiple_of(*ms) && total >= *ms)
            .unwrap_or(&UNITS_MS[1]);
        write!(f, "{}{unit}", total / ms)
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Period {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 12,
            "pattern": "^[0-9]{1,9}(ms|s|m|h|d)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Period;

    #[test]
    fn reads_each_unit_and_writes_the_largest_exact_one() {
        for (text, seconds, written) in [
            ("30s", 30, "30s"),
            ("60s", 60, "1m"),
            ("24h", 86_400, "1d"),
            ("90m", 5_400, "90m"),
            ("0s", 0, "0s"),
        ] {
            let period: Period = text.parse().expect(text);
            assert_eq!(period.as_secs(), seconds);
            assert_eq!(period.to_string(), written);
        }
        assert_eq!(
            "1500ms".parse::<Period>().expect("1500ms").as_millis(),
            1_500
        );
    }

    #[test]
    fn refuses_other_texts_and_says_what_to_write() {
        for text in [
            "",
            "5",
            "s",
            "-3s",
            "1.5h",
            "10 s",
            "1w",
            "99999999999999999999d",
        ] {
            let problem = text.parse::<Period>().expect_err(text).to_string();
            assert!(problem.contains("such as 30s"), "{problem}");
        }
    }
}
