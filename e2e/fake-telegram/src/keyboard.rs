//! Inline keyboards: what Telegram accepts as one.

use serde_json::Value;

use crate::error::ApiError;
use crate::state::Button;

/// Most buttons of one message.
const MAX_BUTTONS: usize = 100;
/// Most bytes of a button's callback data.
const MAX_DATA_BYTES: usize = 64;

/// The rows of buttons in `reply_markup`; no rows when there is none.
pub(crate) fn parse(markup: Option<&Value>) -> Result<Vec<Vec<Button>>, ApiError> {
    let Some(markup) = markup.filter(|markup| !markup.is_null()) else {
        return Ok(Vec::new());
    };
    let refuse = |what: &str| ApiError::bad_request(what);
    let Some(rows) = markup.get("inline_keyboard").and_then(Value::as_array) else {
        return Err(refuse(
            "can't parse inline keyboard: expected an Array of rows",
        ));
    };
    let mut keyboard = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(buttons) = row.as_array() else {
            return Err(refuse(
                "can't parse inline keyboard: expected an Array of buttons",
            ));
        };
        keyboard.push(buttons.iter().map(button).collect::<Result<Vec<_>, _>>()?);
    }
    if keyboard.iter().map(Vec::len).sum::<usize>() > MAX_BUTTONS {
        return Err(refuse("reply markup is too long"));
    }
    Ok(keyboard)
}

fn button(button: &Value) -> Result<Button, ApiError> {
    let text = button
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if text.is_empty() {
        return Err(ApiError::bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ));
    }
    let data = button
        .get("callback_data")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if data.is_empty() || data.len() > MAX_DATA_BYTES {
        return Err(ApiError::bad_request("BUTTON_DATA_INVALID"));
    }
    Ok(Button {
        text: text.to_owned(),
        data: data.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn callback_data_has_at_most_64_bytes() {
        let with_data = |length: usize| json!({"inline_keyboard": [[{"text": "a", "callback_data": "x".repeat(length)}]]});
        assert!(parse(Some(&with_data(64))).is_ok());
        let error = parse(Some(&with_data(65))).unwrap_err();
        assert_eq!(error.description, "Bad Request: BUTTON_DATA_INVALID");
    }

    #[test]
    fn a_message_has_at_most_100_buttons() {
        let row = json!([{"text": "a", "callback_data": "b"}]);
        let keyboard = json!({"inline_keyboard": vec![row; 101]});
        assert!(parse(Some(&keyboard)).is_err());
    }
}
