//! What is compared by searches; the statements are proven by [`crate::reports::proof`].

use super::*;

#[test]
fn searches_ignore_case_and_romanian_diacritics() {
    assert_eq!(fold("Țuică și ÎNCASĂRI Mâine"), "tuica si incasari maine");
    assert_eq!(fold("ŞŢşţ ȘȚșț"), "stst stst");
    assert_eq!(
        fold("É-4111.0012"),
        "É-4111.0012",
        "other letters are what they are"
    );
}

#[test]
fn the_page_begins_behind_the_ones_before_it() {
    let view = View {
        order: Vec::new(),
        search: None,
        filters: Vec::new(),
        page: 40_000,
        page_size: MOST_ROWS,
    };
    assert_eq!(view.offset(), 3_999_900_000);
}
