//! From a request to what to do about it, with the help of the internal API.

use crate::api::{Api, ApiError, Company, Refusal};
use crate::reply::{self, Content, Effect};
use crate::request::{Button, Language, Request, Wish};
use crate::text;

/// What to do in answer to `request`, in this order.
pub async fn answer(api: &Api, request: &Request) -> Vec<Effect> {
    let (chat, language) = (request.chat, request.language);
    let say = |html: &str| vec![Effect::Send(Content::text(html))];
    match &request.wish {
        Wish::Link { code, message_id } => link(api, request, code, *message_id).await,
        Wish::Begin => say(text::begin(language)),
        Wish::Help => say(text::help(language)),
        Wish::Unclear => say(&text::unclear(language)),
        Wish::NotPrivate => say(text::not_private(language)),
        Wish::Companies => vec![Effect::Send(companies(api, chat, language).await)],
        Wish::Balance => vec![Effect::Send(balance(api, chat, language).await)],
        Wish::Unlink => vec![Effect::Send(unlink(api, chat, language).await)],
        Wish::Password => vec![Effect::Send(password(api, chat, language).await)],
        Wish::Press {
            callback,
            message_id,
            button,
        } => press(api, request, callback, *message_id, button).await,
    }
}

/// The message with the code goes first: it is worthless now, and nobody should wonder.
async fn link(api: &Api, request: &Request, code: &str, message_id: i32) -> Vec<Effect> {
    let (chat, language) = (request.chat, request.language);
    match api.redeem(code, chat, &request.chat_name).await {
        Ok(user) => vec![
            Effect::Delete { message_id },
            Effect::Send(Content::text(text::linked(language, &user.display_name))),
            Effect::Send(companies(api, chat, language).await),
        ],
        Err(error) => vec![Effect::Send(explain(language, &error))],
    }
}

async fn companies(api: &Api, chat: i64, language: Language) -> Content {
    match api.companies(chat).await {
        Ok(all) => reply::companies(language, &all, 0),
        Err(error) => explain(language, &error),
    }
}

async fn balance(api: &Api, chat: i64, language: Language) -> Content {
    match api.balance(chat).await {
        Ok(balance) => reply::balance(language, &balance),
        Err(ApiError::Refused(Refusal::CompanyNotChosen)) => companies(api, chat, language).await,
        Err(error) => explain(language, &error),
    }
}

async fn unlink(api: &Api, chat: i64, language: Language) -> Content {
    match api.unlink(chat).await {
        Ok(()) | Err(ApiError::Refused(Refusal::NotLinked)) => {
            Content::text(text::unlinked(language))
        }
        Err(error) => explain(language, &error),
    }
}

async fn password(api: &Api, chat: i64, language: Language) -> Content {
    match api.reset_code(chat).await {
        Ok(code) => Content::text(text::reset_code(language, &code)),
        Err(error) => explain(language, &error),
    }
}

async fn press(
    api: &Api,
    request: &Request,
    callback: &str,
    message_id: i32,
    button: &Button,
) -> Vec<Effect> {
    let (chat, language) = (request.chat, request.language);
    let release = |notice| Effect::Release {
        callback: callback.to_owned(),
        notice,
    };
    let edit = |content| Effect::Edit {
        message_id,
        content,
    };
    let all = match (button, api.companies(chat).await) {
        (Button::Unknown, _) => return vec![release(Some(text::button_unknown(language)))],
        (_, Ok(all)) => all,
        (_, Err(error)) => return vec![release(None), edit(explain(language, &error))],
    };
    match button {
        Button::Company(key) => {
            let is_it = |company: &&Company| reply::company_key(company) == *key;
            let Some(company) = all.iter().find(is_it) else {
                let notice = release(Some(text::company_gone(language)));
                return vec![notice, edit(reply::companies(language, &all, 0))];
            };
            let content = match api.choose(chat, company).await {
                Ok(()) => Content::text(text::company_chosen(language, &company.name)),
                Err(error) => explain(language, &error),
            };
            vec![release(None), edit(content)]
        }
        Button::Page(page) => {
            vec![release(None), edit(reply::companies(language, &all, *page))]
        }
        Button::Unknown => Vec::new(),
    }
}

fn explain(language: Language, error: &ApiError) -> Content {
    match error {
        ApiError::Unavailable => Content::text(text::unavailable(language)),
        ApiError::Refused(refusal) => match refusal {
            Refusal::NotLinked => Content::text(text::not_linked(language)),
            Refusal::CodeUnknown => Content::text(text::code_unknown(language)),
            Refusal::TooManyAttempts => Content::text(text::too_many_attempts(language)),
            Refusal::CompanyNotChosen | Refusal::CompanyUnknown => {
                Content::text(text::company_gone(language))
            }
            Refusal::CompanyEmpty => Content::text(text::company_empty(language)),
            Refusal::ErpAccount => Content::text(text::erp_account(language)),
        },
    }
}
