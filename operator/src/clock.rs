//! Instants as the Kubernetes API keeps them: whole seconds. A status that said more would read back
//! as something else, and be written again with every look.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

/// The present instant, without the part of a second that has gone by.
pub fn now() -> Timestamp {
    whole_seconds(Timestamp::now())
}

/// `instant` for a status.
pub fn time(instant: Timestamp) -> Time {
    Time(whole_seconds(instant))
}

fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_as_it_was_written() {
        let written = time(
            "2026-11-22T11:06:27.384560578Z"
                .parse()
                .expect("an instant"),
        );
        let json = serde_json::to_value(&written).expect("a time has a JSON form");
        let read: Time = serde_json::from_value(json).expect("what was written");
        assert_eq!(read, written);
    }
}
