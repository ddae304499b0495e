//! The mark on a role: who rotates it and how new the last change is. It lives in the role's comment
//! as a line of its own, so that text by other people stays.

/// Starts the line.
const PREFIX: &str = "reportapp ";
/// Stands before the number, at the end of the line.
const NUMBER: &str = " fence=";

/// The mark of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// `<namespace>/<app>/<credential>`.
    pub(super) key: String,
    /// Fence of the last change.
    pub(super) fence: u64,
}

/// Finds the mark in a comment.
pub(super) fn read(comment: &str) -> Option<Mark> {
    comment.lines().find_map(parse)
}

/// The comment with the mark in place of an older one.
pub(super) fn write(comment: &str, mark: &Mark) -> String {
    let line = format!("{PREFIX}{}{NUMBER}{}", mark.key, mark.fence);
    let foreign = comment.lines().filter(|line| parse(line).is_none());
    foreign
        .chain([line.as_str()])
        .collect::<Vec<_>>()
        .join("\n")
}

fn parse(line: &str) -> Option<Mark> {
    let (key, fence) = line.strip_prefix(PREFIX)?.rsplit_once(NUMBER)?;
    Some(Mark {
        key: key.to_owned(),
        fence: fence.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(fence: u64) -> Mark {
        Mark {
            key: "shop/erp/main".to_owned(),
            fence,
        }
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        assert_eq!(read(&write("", &mark(7))), Some(mark(7)));
        assert_eq!(write("", &mark(7)), "reportapp shop/erp/main fence=7");
    }

    #[test]
    fn a_newer_mark_replaces_the_older_and_leaves_foreign_text() {
        let comment = write("Reports backend\nask the DBA", &mark(7));
        let comment = write(&comment, &mark(8));
        assert_eq!(
            comment,
            "Reports backend\nask the DBA\nreportapp shop/erp/main fence=8"
        );
    }

    #[test]
    fn text_that_only_looks_like_a_mark_is_none() {
        for comment in ["", "reportapp", "reportapp x", "reportapp x fence=many"] {
            assert_eq!(read(comment), None, "{comment:?}");
        }
    }
}
