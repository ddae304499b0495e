//! The Telegram bot.

use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Telegram bot: one pod, because Telegram allows one reader of updates per token.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Bot {
    /// How updates arrive. Default: `Polling`. `Webhook` is not implemented yet.
    #[serde(default)]
    pub mode: BotMode,

    /// Name of the bot without `@`, for deep links and QR codes. Absent: only typed codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 5, max = 32), regex(pattern = r"^[A-Za-z][A-Za-z0-9_]*$"))]
    pub username: Option<String>,

    /// Name of the entry of `spec.credentials` that holds the bot token.
    #[schemars(length(min = 1, max = 63))]
    pub credential: String,

    /// Base address of a Bot API server of your own. Default: Telegram's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("isURL(self) && url(self).getScheme() in ['http', 'https']").message("spec.bot.apiUrl must be an http or https address such as https://telegram.example.com"))]
    pub api_url: Option<String>,

    /// CPU and memory of the pod. Default: requests 20m and 32Mi, memory limit 256Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
}

/// How updates arrive from Telegram.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BotMode {
    /// The bot asks for them; needs no address reachable from the internet.
    #[default]
    Polling,
    /// Telegram calls the bot. Not implemented yet.
    Webhook,
}
