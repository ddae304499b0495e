//! One-time codes for a new password, as they are made.

use jiff::{SignedDuration, Timestamp};
use reportapp_session::random;

use crate::app::App;
use crate::erp::to_the_second;
use crate::error::ApiError;
use crate::model::ResetCode;
use crate::store::User;
use crate::store::resets::NewReset;

/// Of letters and digits out of thirty: 147 random bits.
const GROUPS: usize = 5;
const GROUP: usize = 6;
const LIFE: SignedDuration = SignedDuration::from_mins(30);

/// Who asked for a code.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// An administrator, by their id: the present password is good for nothing from now on.
    ByAdministrator(&'a str),
    /// The user: the present password stays good until the code is used.
    ByUser,
}

impl App {
    /// A new code for `user`; earlier ones stop working. `None`: the user is gone.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn reset_code(
        &self,
        user: &User,
        wanted: Wanted<'_>,
    ) -> Result<Option<ResetCode>, ApiError> {
        let code = new_code();
        let now = Timestamp::now();
        let expires_at = to_the_second(now + LIFE);
        let mut reset = NewReset {
            user_id: &user.id,
            code: &code,
            issued_by: None,
            now,
            expires_at,
        };
        let is_saved = match wanted {
            Wanted::ByAdministrator(administrator) => {
                reset.issued_by = Some(administrator);
                self.store.force_reset(&reset).await?
            }
            Wanted::ByUser => {
                self.store.save_reset(&reset).await?;
                true
            }
        };
        tracing::info!(
            user = user.id,
            by = reset.issued_by,
            "a one-time code for a new password was made"
        );
        Ok(is_saved.then(|| ResetCode {
            code,
            expires_at,
            username: user.username.clone(),
        }))
    }
}

fn new_code() -> String {
    let groups: Vec<String> = (0..GROUPS).map(|_| random::code(GROUP)).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_more_than_128_bits_and_can_be_read_aloud() {
        let code = new_code();
        let letters = code.chars().filter(|c| *c != '-').count();
        assert!((letters as f64) * 30_f64.log2() > 128.0);
        assert!(code.split('-').all(|group| group.len() == GROUP), "{code}");
        assert_ne!(code, new_code());
    }
}
