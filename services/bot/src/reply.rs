//! What the bot does in answer to a request: messages, keyboards, and their limits. Pure.

use aws_lc_rs::digest;
use rust_decimal::Decimal;

use crate::amount;
use crate::api::{Balance, Company};
use crate::request::{CHOOSE_PREFIX, Language, PAGE_PREFIX};
use crate::text;

/// Companies on one page of the keyboard.
const PAGE: usize = 12;
/// Accounts listed one by one; the rest is summed up, so that a message stays far below
/// Telegram's limit of 4096 characters.
const MAX_ACCOUNTS: usize = 30;
/// Characters of a name in a message, and of the label of a button.
const MAX_NAME: usize = 60;

/// A button: label and callback data.
pub type Button = (String, String);

/// One thing to do in the chat of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a message.
    Send(Content),
    /// Replace the content of a message of ours.
    Edit {
        /// The message.
        message_id: i32,
        /// Its new content.
        content: Content,
    },
    /// Delete a message, if that is possible.
    Delete {
        /// The message.
        message_id: i32,
    },
    /// End the wait of a pressed button, with a notice if there is something to say.
    Release {
        /// Number of the callback query.
        callback: String,
        /// Plain text, at most 200 characters.
        notice: Option<&'static str>,
    },
}

/// A message: HTML and rows of buttons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// HTML.
    pub html: String,
    /// Rows of buttons.
    pub keyboard: Vec<Vec<Button>>,
}

impl Content {
    /// A message without buttons.
    pub fn text(html: impl Into<String>) -> Self {
        Self {
            html: html.into(),
            keyboard: Vec::new(),
        }
    }
}

/// Page `page` of the companies to choose from.
pub fn companies(language: Language, companies: &[Company], page: usize) -> Content {
    if companies.is_empty() {
        return Content::text(text::no_companies(language));
    }
    let last_page = (companies.len() - 1) / PAGE;
    let page = page.min(last_page);
    let shown = companies.iter().skip(page * PAGE).take(PAGE);
    let mut keyboard: Vec<Vec<Button>> = shown
        .map(|company| {
            let data = format!("{CHOOSE_PREFIX}{}", company_key(company));
            vec![(shorten(&company.name), data)]
        })
        .collect();
    let mut turn = Vec::new();
    if page > 0 {
        turn.push(("‹".to_owned(), format!("{PAGE_PREFIX}{}", page - 1)));
    }
    if page < last_page {
        turn.push(("›".to_owned(), format!("{PAGE_PREFIX}{}", page + 1)));
    }
    if !turn.is_empty() {
        keyboard.push(turn);
    }
    Content {
        html: text::choose_company(language).to_owned(),
        keyboard,
    }
}

/// A short stable name for a company: callback data holds 64 bytes, which server name and id may
/// exceed.
pub fn company_key(company: &Company) -> String {
    let name = format!("{}\0{}", company.server, company.id);
    let hash = digest::digest(&digest::SHA256, name.as_bytes());
    hash.as_ref()
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The balance of cash and bank accounts.
pub fn balance(language: Language, balance: &Balance) -> Content {
    let currency = text::escape(&balance.company.currency);
    let mut lines = vec![
        format!("<b>{}</b>", text::escape(&shorten(&balance.company.name))),
        text::balance_title(language, balance.year, balance.month),
        String::new(),
    ];
    let accounts: Vec<(String, Decimal)> = balance
        .accounts
        .iter()
        .map(|account| {
            let name = account.denumire.as_deref().unwrap_or_default();
            let label = format!("{} {}", account.cont, name);
            (
                text::escape(&shorten(label.trim_end())),
                account.solddeb - account.soldcred,
            )
        })
        .filter(|(_, amount)| !amount.is_zero())
        .collect();
    if accounts.is_empty() {
        lines.push(text::no_accounts(language).to_owned());
        return Content::text(lines.join("\n"));
    }
    let line = |label: &str, amount| format!("{label}: {}", amount::format(amount, &currency));
    let listed = accounts.len().min(MAX_ACCOUNTS);
    let (shown, rest) = accounts.split_at(listed);
    lines.extend(shown.iter().map(|(label, amount)| line(label, *amount)));
    if !rest.is_empty() {
        let sum = rest.iter().map(|(_, amount)| *amount).sum();
        lines.push(line(&text::other_accounts(language, rest.len()), sum));
    }
    let sum: Decimal = accounts.iter().map(|(_, amount)| *amount).sum();
    lines.push(String::new());
    lines.push(format!("<b>{}</b>", line(text::total(language), sum)));
    Content::text(lines.join("\n"))
}

fn shorten(name: &str) -> String {
    if name.chars().count() <= MAX_NAME {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(MAX_NAME - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Account, CompanyName};

    fn company(number: usize) -> Company {
        Company {
            server: "main".to_owned(),
            id: number.to_string(),
            name: format!("C{number}"),
        }
    }

    fn account(cont: &str, denumire: &str, solddeb: &str, soldcred: &str) -> Account {
        Account {
            cont: cont.to_owned(),
            denumire: Some(denumire.to_owned()),
            solddeb: solddeb.parse().unwrap(),
            soldcred: soldcred.parse().unwrap(),
        }
    }

    fn of(accounts: Vec<Account>) -> Balance {
        let company = CompanyName {
            name: "Pâine & Co <SRL>".to_owned(),
            currency: "RON".to_owned(),
        };
        Balance {
            company,
            year: 2026,
            month: 6,
            accounts,
        }
    }

    #[test]
    fn a_balance_lists_accounts_and_adds_them_up_exactly() {
        let shown = balance(
            Language::Romanian,
            &of(vec![
                account("5121", "Conturi la bănci în lei", "1234567.50", "0.00"),
                account("5191", "Credite bancare", "0.00", "200000.75"),
                account("5311", "Casa în lei", "0.10", "0.00"),
                account("542", "Avansuri", "0.00", "0.00"),
            ]),
        );
        assert_eq!(
            shown.html,
            "<b>Pâine &amp; Co &lt;SRL&gt;</b>\nCasă și bănci, iunie 2026\n\n\
             5121 Conturi la bănci în lei: 1.234.567,50 RON\n\
             5191 Credite bancare: -200.000,75 RON\n5311 Casa în lei: 0,10 RON\n\n\
             <b>Total: 1.034.566,85 RON</b>"
        );
    }

    #[test]
    fn a_company_without_balances_says_so() {
        let html = balance(Language::English, &of(Vec::new())).html;
        assert!(
            html.ends_with("Cash and bank, June 2026\n\nNo balances."),
            "{html}"
        );
    }

    #[test]
    fn many_long_accounts_stay_below_telegrams_limit_and_none_is_lost() {
        let accounts = (0..500).map(|n| account(&format!("5121.{n}"), &"&".repeat(300), "1", "0"));
        let html = balance(Language::English, &of(accounts.collect())).html;
        assert!(html.contains("470 other accounts: 470,00 RON"), "{html}");
        assert!(html.contains("Total: 500,00 RON"));
        let visible = html.replace("&amp;", "&").encode_utf16().count();
        assert!(visible < 4096, "{visible} characters");
    }

    #[test]
    fn companies_come_in_pages() {
        let all: Vec<_> = (0..30).map(company).collect();
        let first = companies(Language::English, &all, 0).keyboard;
        assert_eq!(first.len(), PAGE + 1);
        assert_eq!(first[PAGE], [("›".to_owned(), "p:1".to_owned())]);
        let last = companies(Language::English, &all, 99).keyboard;
        assert_eq!(last.last().unwrap(), &[("‹".to_owned(), "p:1".to_owned())]);
        assert_eq!(last.len(), 30 - 2 * PAGE + 1);
        assert_eq!(companies(Language::English, &all[..3], 0).keyboard.len(), 3);
    }

    #[test]
    fn callback_data_fits_whatever_the_names_are() {
        let long = Company {
            server: "s".repeat(63),
            id: "i".repeat(200),
            name: "x".repeat(300),
        };
        let keyboard = companies(Language::English, std::slice::from_ref(&long), 0).keyboard;
        let (label, data) = &keyboard[0][0];
        assert!(data.len() <= 64 && label.chars().count() <= MAX_NAME);
        let other = Company {
            id: "j".repeat(200),
            ..long.clone()
        };
        assert_ne!(company_key(&long), company_key(&other));
    }
}
