//! Every sentence the bot says, in Romanian and English. HTML as Telegram understands it: values
//! that come from people or books pass through [`escape`].

use crate::api::ResetCode;
use crate::request::Language;

/// Makes a value safe between tags.
pub fn escape(value: &str) -> String {
    value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn pick(language: Language, romanian: &'static str, english: &'static str) -> &'static str {
    match language {
        Language::Romanian => romanian,
        Language::English => english,
    }
}

/// How to get a code.
pub fn begin(language: Language) -> &'static str {
    pick(
        language,
        "Bună ziua! Pentru a lega acest chat de contul dumneavoastră, deschideți aplicația de \
         rapoarte, cereți un cod pentru Telegram și trimiteți-l aici:\n<code>/start COD</code>",
        "Hello! To link this chat to your account, open the reports application, ask for a \
         Telegram code and send it here:\n<code>/start CODE</code>",
    )
}

/// What the bot can do.
pub fn help(language: Language) -> &'static str {
    pick(
        language,
        "/balance – soldul casei și al băncilor\n/companies – alegerea firmei\n/unlink – \
         dezlegarea chatului de cont\n/password – cod pentru o parolă nouă\n/help – acest text",
        "/balance – balance of cash and bank accounts\n/companies – choose a company\n/unlink – \
         unlink this chat from the account\n/password – code for a new password\n/help – this text",
    )
}

/// The text was not a command.
pub fn unclear(language: Language) -> String {
    let lead = pick(
        language,
        "Nu am înțeles. Comenzi:",
        "I did not understand. Commands:",
    );
    format!("{lead}\n{}", help(language))
}

/// The chat is linked to the user `name`.
pub fn linked(language: Language, name: &str) -> String {
    let name = escape(name);
    match language {
        Language::Romanian => format!("Chatul este legat de contul <b>{name}</b>."),
        Language::English => format!("This chat is linked to the account <b>{name}</b>."),
    }
}

/// The code is no good.
pub fn code_unknown(language: Language) -> &'static str {
    pick(
        language,
        "Codul nu este valabil: este greșit, folosit sau expirat. Cereți altul în aplicație; este \
         valabil 15 minute.",
        "This code is not valid: it is wrong, used or expired. Ask for a new one in the \
         application; it is valid for 15 minutes.",
    )
}

/// Too many codes were tried.
pub fn too_many_attempts(language: Language) -> &'static str {
    pick(
        language,
        "Prea multe încercări. Încercați din nou peste câteva minute.",
        "Too many attempts. Try again in a few minutes.",
    )
}

/// The chat is linked to nobody.
pub fn not_linked(language: Language) -> String {
    let lead = pick(
        language,
        "Acest chat nu este legat de un cont.",
        "This chat is not linked to an account.",
    );
    format!("{lead}\n{}", begin(language))
}

/// The chat is linked no more.
pub fn unlinked(language: Language) -> &'static str {
    pick(
        language,
        "Chatul nu mai este legat de un cont.",
        "This chat is no longer linked to an account.",
    )
}

/// The code that gives a new password.
pub fn reset_code(language: Language, reset: &ResetCode) -> String {
    let (code, name) = (escape(&reset.code), escape(&reset.username));
    match language {
        Language::Romanian => format!(
            "Codul pentru o parolă nouă a contului <b>{name}</b>, valabil o dată, 30 de minute:\n\
             <code>{code}</code>\nScrieți-l în aplicație: „Am un cod de unică folosință”. Nu îl \
             arătați nimănui."
        ),
        Language::English => format!(
            "The code for a new password of the account <b>{name}</b>, good once, for 30 minutes:\n\
             <code>{code}</code>\nType it in the application under “I have a one-time code”. Show \
             it to nobody."
        ),
    }
}

/// The password is kept elsewhere.
pub fn erp_account(language: Language) -> &'static str {
    pick(
        language,
        "Parola acestui cont este cea din ERP; se schimbă acolo.",
        "The password of this account is the one of the ERP; change it there.",
    )
}

/// Above the keyboard of companies.
pub fn choose_company(language: Language) -> &'static str {
    pick(language, "Alegeți firma:", "Choose a company:")
}

/// The company was chosen.
pub fn company_chosen(language: Language, name: &str) -> String {
    let name = escape(name);
    match language {
        Language::Romanian => format!("Firma aleasă: <b>{name}</b>. Soldul: /balance"),
        Language::English => format!("Chosen company: <b>{name}</b>. Its balance: /balance"),
    }
}

/// There is no company to choose.
pub fn no_companies(language: Language) -> &'static str {
    pick(
        language,
        "Nu există nicio firmă la care să aveți acces.",
        "There is no company that you may look at.",
    )
}

/// The company of a button, or the chosen one, is gone.
pub fn company_gone(language: Language) -> &'static str {
    pick(
        language,
        "Firma nu mai este disponibilă. Alegeți alta: /companies",
        "The company is no longer available. Choose another one: /companies",
    )
}

/// The company has no postings.
pub fn company_empty(language: Language) -> &'static str {
    pick(
        language,
        "Firma nu are încă înregistrări contabile.",
        "The company has no postings yet.",
    )
}

/// The button belongs to an earlier version.
pub fn button_unknown(language: Language) -> &'static str {
    pick(
        language,
        "Butonul nu mai este valabil. Încercați: /companies",
        "This button is no longer valid. Try: /companies",
    )
}

/// The command stands in a group.
pub fn not_private(language: Language) -> &'static str {
    pick(
        language,
        "Cifrele se discută în privat: scrieți-mi direct.",
        "Figures are private: write to me directly.",
    )
}

/// Something of ours does not work at the moment.
pub fn unavailable(language: Language) -> &'static str {
    pick(
        language,
        "Serviciul nu este disponibil momentan. Încercați din nou peste câteva minute.",
        "The service is not available at the moment. Try again in a few minutes.",
    )
}

/// Title of the balance of a month.
pub fn balance_title(language: Language, year: i16, month: i8) -> String {
    let index = usize::try_from(month - 1).unwrap_or_default().min(11);
    match language {
        Language::Romanian => format!("Casă și bănci, {} {year}", MONTHS_RO[index]),
        Language::English => format!("Cash and bank, {} {year}", MONTHS_EN[index]),
    }
}

const MONTHS_RO: [&str; 12] = [
    "ianuarie",
    "februarie",
    "martie",
    "aprilie",
    "mai",
    "iunie",
    "iulie",
    "august",
    "septembrie",
    "octombrie",
    "noiembrie",
    "decembrie",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The word before a sum.
pub fn total(language: Language) -> &'static str {
    pick(language, "Total", "Total")
}

/// Instead of accounts.
pub fn no_accounts(language: Language) -> &'static str {
    pick(language, "Niciun sold.", "No balances.")
}

/// For the accounts that are summed up in one line.
pub fn other_accounts(language: Language, count: usize) -> String {
    match language {
        Language::Romanian => format!("alte {count} conturi"),
        Language::English => format!("{count} other accounts"),
    }
}

/// Commands as Telegram's menu shows them: name and description.
pub fn commands(language: Language) -> [(&'static str, &'static str); 5] {
    [
        (
            "balance",
            pick(
                language,
                "Soldul casei și al băncilor",
                "Balance of cash and bank",
            ),
        ),
        (
            "companies",
            pick(language, "Alegerea firmei", "Choose a company"),
        ),
        (
            "unlink",
            pick(language, "Dezlegarea chatului de cont", "Unlink this chat"),
        ),
        (
            "password",
            pick(
                language,
                "Cod pentru o parolă nouă",
                "Code for a new password",
            ),
        ),
        ("help", pick(language, "Ajutor", "Help")),
    ]
}
