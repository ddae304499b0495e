//! Telegram's HTML: which markup it understands and how it complains about the rest.
//!
//! Follows "HTML style" of the Bot API manual and the wording of the server's own errors.

/// Tags that may open and close.
const TAGS: [&str; 16] = [
    "a",
    "b",
    "blockquote",
    "code",
    "del",
    "em",
    "i",
    "ins",
    "pre",
    "s",
    "span",
    "strike",
    "strong",
    "tg-emoji",
    "tg-spoiler",
    "u",
];

/// The text a person sees, or the description of the error.
pub(crate) fn plain_text(html: &str) -> Result<String, String> {
    let mut text = String::with_capacity(html.len());
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let offset = html.len() - rest.len();
        if rest.starts_with('&') {
            let (decoded, length) = entity(rest);
            text.push_str(&decoded);
            rest = &rest[length..];
            continue;
        }
        let Some(end) = rest.find('>') else {
            return Err(format!("Unclosed start tag at byte offset {offset}"));
        };
        tag(&rest[1..end], offset, &mut open)?;
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    match open.pop() {
        Some(name) => Err(format!(
            "Can't find end tag corresponding to start tag \"{name}\""
        )),
        None => Ok(text),
    }
}

fn tag<'a>(inside: &'a str, offset: usize, open: &mut Vec<&'a str>) -> Result<(), String> {
    if let Some(name) = inside.strip_prefix('/') {
        let name = name.trim_end();
        return match open.pop() {
            None => Err(format!("Unexpected end tag at byte offset {offset}")),
            Some(expected) if expected == name => Ok(()),
            Some(expected) => Err(format!(
                "Unmatched end tag at byte offset {offset}, expected \"</{expected}>\", found \
                 \"</{name}>\""
            )),
        };
    }
    let name = inside.split(char::is_whitespace).next().unwrap_or_default();
    if !TAGS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!(
            "Unsupported start tag \"{name}\" at byte offset {offset}"
        ));
    }
    if name == "span" && !inside.contains("class=\"tg-spoiler\"") {
        return Err(format!(
            "Tag \"span\" must have class \"tg-spoiler\" at byte offset {offset}"
        ));
    }
    open.push(name);
    Ok(())
}

/// A character reference at the start of `text`: what it stands for and its length in bytes. What
/// is none is taken literally, as Telegram does.
fn entity(text: &str) -> (String, usize) {
    let known = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
        ("&quot;", "\""),
    ];
    for (name, character) in known {
        if text.starts_with(name) {
            return (character.to_owned(), name.len());
        }
    }
    let number = text
        .strip_prefix("&#")
        .and_then(|rest| rest.split_once(';'));
    if let Some((digits, _)) = number {
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        };
        if let Some(character) = code.and_then(char::from_u32) {
            return (character.to_string(), digits.len() + 3);
        }
    }
    ("&".to_owned(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_removed_and_entities_are_decoded() {
        let html = "<b>A &amp; B</b> &lt;<a href=\"x\">c</a>&gt; &#39;&#x41; R&D";
        assert_eq!(plain_text(html).unwrap(), "A & B <c> 'A R&D");
    }

    #[test]
    fn broken_markup_is_refused_in_telegrams_words() {
        for (html, complaint) in [
            ("a < b", "Unclosed start tag at byte offset 2"),
            (
                "<h1>x</h1>",
                "Unsupported start tag \"h1\" at byte offset 0",
            ),
            (
                "<b>x",
                "Can't find end tag corresponding to start tag \"b\"",
            ),
            ("x</b>", "Unexpected end tag at byte offset 1"),
            (
                "<b><i>x</b></i>",
                "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\"",
            ),
            ("A < B > C", "Unsupported start tag \"\" at byte offset 2"),
        ] {
            assert_eq!(plain_text(html).unwrap_err(), complaint, "{html}");
        }
    }
}
