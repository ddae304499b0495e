//! What the API sends and receives, as JSON.
//!
//! Amounts are strings with exactly two decimals: a floating point number could not carry them.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};

use crate::erp::to_the_second;
use crate::store::{SessionRow, User};

pub mod administration;
pub mod cache;
pub mod figures;

pub use administration::UserType;
pub use figures::{Balances, TrialBalance, TrialBalanceQuery, TrialBalanceRow};

/// Name and password of a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginRequest {
    /// Name of the user, in any case.
    pub username: String,
    /// Password.
    pub password: String,
    /// Where to sign in, as listed by `/api/auth/check-identity`; absent: with an account of the application.
    #[serde(default)]
    #[schema(required = false)]
    pub server: Option<String>,
    /// Answer with the refresh token as well, for programs that keep no cookies.
    #[serde(default)]
    #[schema(required = false)]
    pub with_refresh_token: bool,
}

/// The tokens of a session that was begun or renewed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginResponse {
    /// The access token, also set as the cookie `access_token`. Absent where a cookie was exchanged: its
    /// successor is a cookie too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub access_token: Option<String>,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds until the access token expires; the session lives on.
    pub expires_in: u64,
    /// The refresh token, good once, if it was asked for or exchanged in a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
    /// Whose session it is.
    pub user: UserView,
}

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdentityRequest {
    /// Name of the user, in any case.
    pub username: String,
}

/// Where people sign in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInServers {
    /// The same for everybody; a name that nobody has gets it too.
    pub servers: Vec<SignInServer>,
}

/// One place to sign in at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInServer {
    /// Name of the ERP server, for `server` of the sign-in; null for the accounts of the application.
    pub server: Option<String>,
    /// What to call it.
    pub title: String,
    /// Who checks the password.
    pub kind: ServerKind,
}

/// Who checks a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerKind {
    /// The application.
    Store,
    /// An ERP server.
    Erp,
}

/// Where the caller is signed in, and where else people sign in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnServers {
    /// Every place; another one than the caller's asks for its password.
    pub servers: Vec<OwnServer>,
}

/// One place to sign in at, as seen by who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnServer {
    /// The place.
    #[serde(flatten)]
    pub place: SignInServer,
    /// Whether the caller is signed in there.
    pub signed_in: bool,
}

/// A refresh token to be exchanged by a program that keeps no cookies.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshRequest {
    /// The refresh token; it is good once.
    pub refresh_token: String,
}

/// A one-time code and the password it is to give.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetRequest {
    /// Name of the user, in any case.
    pub username: String,
    /// The code, in any case, with or without its dashes.
    pub code: String,
    /// The new password: 12 to 256 characters.
    pub new: String,
}

/// A one-time code for a new password. Shown once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetCode {
    /// The code.
    pub code: String,
    /// When it stops working.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Name of the user it is for.
    pub username: String,
}

/// A user as shown to clients.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Stable id.
    pub id: String,
    /// Name to sign in with.
    pub username: String,
    /// Name to show.
    pub display_name: String,
    /// What kind of user; what they may do is at `/api/permissions`.
    pub user_type: UserType,
    /// Id of the tenant the user belongs to.
    pub tenant: Option<String>,
    /// The user should choose a new password; a hint, not a block.
    pub must_change_password: bool,
    /// Name of the ERP server where the user signs in, which keeps the password; null for an account of the
    /// application.
    pub erp_server: Option<String>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            display_name: user.name,
            user_type: user.kind.into(),
            tenant: user.tenant,
            must_change_password: user.must_change_password,
            erp_server: user.erp.map(|erp| erp.server),
        }
    }
}

/// A change of one's own password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordRequest {
    /// The present password.
    pub current: String,
    /// The new one: 12 to 256 characters.
    pub new: String,
    /// Answer with the refresh token as well, for programs that keep no cookies.
    #[serde(default)]
    #[schema(required = false)]
    pub with_refresh_token: bool,
}

/// How to sign out.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogoutQuery {
    /// End all sessions of the user, not only the present one.
    #[serde(default)]
    #[param(required = false)]
    pub everywhere: bool,
}

/// The sessions of the user.
#[derive(Serialize, ToSchema)]
pub struct OwnSessions {
    /// Oldest first.
    pub sessions: Vec<OwnSession>,
}

/// One session of the user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnSession {
    /// Id of the session.
    pub id: String,
    /// Whether this request belongs to it.
    pub is_current: bool,
    /// When the user signed in.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was begun or renewed last; one in use is renewed every few minutes.
    #[schema(value_type = String, format = DateTime)]
    pub last_activity_at: Timestamp,
    /// When it ends by itself if it is not renewed.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Address it was begun or renewed from last, if it is known.
    pub address: Option<String>,
    /// What it was begun or renewed by last, as that calls itself.
    pub user_agent: Option<String>,
}

impl OwnSession {
    /// A session as seen from the one with the id `current`.
    pub(crate) fn of(row: SessionRow, current: &str) -> Self {
        Self {
            is_current: row.session.id == current,
            id: row.session.id,
            created_at: to_the_second(row.session.created_at),
            last_activity_at: to_the_second(row.last_activity_at),
            expires_at: to_the_second(row.session.expires_at),
            address: row.session.address,
            user_agent: row.user_agent,
        }
    }
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
pub struct EndedSessions {
    /// Their number.
    pub ended: usize,
}

/// A company of an ERP server.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Company {
    /// Name of the server.
    pub server: String,
    /// Id on that server.
    pub id: String,
    /// Name.
    pub name: String,
    /// Tax registration number.
    pub tax_id: String,
    /// ISO 4217 code of the currency of its books.
    pub currency: String,
}

/// A company inside a report of its server.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompanyRef {
    /// Id on the server.
    pub id: String,
    /// Name.
    pub name: String,
    /// Tax registration number.
    pub tax_id: String,
    /// ISO 4217 code of the currency of its books.
    pub currency: String,
}

impl From<Company> for CompanyRef {
    fn from(company: Company) -> Self {
        Self {
            id: company.id,
            name: company.name,
            tax_id: company.tax_id,
            currency: company.currency,
        }
    }
}

/// One month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Period {
    /// Year, four digits.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: i8,
}

impl Period {
    /// Its first day.
    ///
    /// # Panics
    /// When there is no such month, which [`crate::reports::asked::Asked::month`] refuses.
    pub fn first_day(self) -> Date {
        jiff::civil::date(self.year, self.month, 1)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// The months a company has postings in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Calendar {
    /// Id of the company.
    pub company: String,
    /// Ascending.
    pub periods: Vec<Period>,
    /// The last of them.
    pub latest: Period,
}

/// An exact amount with two decimals, such as `"1234.50"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, example = "1234.50", pattern = r"^-?\d+\.\d{2}$")]
pub struct Amount(pub Decimal);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.2}", self.0))
    }
}

/// Which companies.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CompaniesQuery {
    /// Name of the server; the first one if absent.
    #[param(nullable = false)]
    pub server: Option<String>,
}

/// Which calendar.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CalendarQuery {
    /// Name of the server; the first one if absent.
    #[param(nullable = false)]
    pub server: Option<String>,
    /// Id of the company.
    #[param(required, value_type = String)]
    pub company: Option<String>,
}

/// A code to send to the bot.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkCode {
    /// Eight characters.
    pub code: String,
    /// When it stops working.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Address that opens the bot with the code filled in, if the bot's name is known.
    pub deep_link: Option<String>,
}

/// The chats linked to the user.
#[derive(Serialize, ToSchema)]
pub struct LinkedChats {
    /// Oldest first.
    pub linked: Vec<LinkedChat>,
}

/// One linked chat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkedChat {
    /// Telegram's id of the chat.
    pub chat_id: i64,
    /// When it was linked.
    #[schema(value_type = String, format = DateTime)]
    pub linked_at: Timestamp,
}

/// A code that arrived in a chat.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedeemRequest {
    /// As typed.
    pub code: String,
    /// Telegram's id of the chat.
    pub chat_id: i64,
    /// Title of the chat or name of the person.
    pub chat_name: String,
}

/// Whom a code belonged to.
#[derive(Serialize, ToSchema)]
pub struct RedeemResponse {
    /// The user the chat now acts for.
    pub user: UserView,
}

/// A linked chat, for the bot.
#[derive(Serialize, ToSchema)]
pub struct Chat {
    /// The user the chat acts for.
    pub user: UserView,
    /// Server of the chosen company, or the default one.
    pub server: String,
    /// The chosen company, or none yet.
    pub company: Option<CompanyRef>,
}

/// The company a chat wants to look at.
#[derive(Deserialize, ToSchema)]
pub struct ChooseCompany {
    /// Name of the server.
    pub server: String,
    /// Id of the company.
    pub company: String,
}

/// The latest figures of a chat's company.
#[derive(Serialize, ToSchema)]
pub struct ChatBalance {
    /// Whose books.
    pub company: CompanyRef,
    /// Year of the latest month with postings.
    pub year: i16,
    /// That month.
    pub month: i8,
    /// Sums of the trial balance.
    pub totals: Balances,
    /// Cash and bank accounts (class 5).
    pub accounts: Vec<AccountBalance>,
}

/// Closing balance of one account.
#[derive(Serialize, ToSchema)]
pub struct AccountBalance {
    /// Account code.
    pub cont: String,
    /// Account name, if the chart of accounts has one.
    pub denumire: Option<String>,
    /// Closing balance, debit side.
    pub solddeb: Amount,
    /// Closing balance, credit side.
    pub soldcred: Amount,
}

/// Whether the process answers.
#[derive(Serialize, ToSchema)]
pub struct Alive {
    /// Always `ok`.
    pub status: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_strings_with_two_decimals() {
        let json = |text: &str| serde_json::to_string(&Amount(text.parse().unwrap())).unwrap();
        assert_eq!(json("1234.5"), r#""1234.50""#);
        assert_eq!(json("0"), r#""0.00""#);
        assert_eq!(json("-7.05"), r#""-7.05""#);
        assert_eq!(json("123456789012345.67"), r#""123456789012345.67""#);
    }

    #[test]
    fn periods_order_by_year_then_month() {
        let period = |year, month| Period { year, month };
        assert!(period(2024, 12) < period(2025, 1));
        assert_eq!(period(2025, 3).to_string(), "2025-03");
    }
}
