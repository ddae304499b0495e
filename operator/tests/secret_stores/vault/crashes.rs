//! Rotations with the ledger in Vault, with crashes and seals at every stage.

use std::sync::Arc;

use reportapp_operator::secret_store::Store;

use super::server::TestVault;
use crate::crashes::{pauses_while_away, survives_every_crash};

#[tokio::test]
async fn a_ledger_in_vault_survives_every_crash_around_what_is_durable() {
    let vault = TestVault::start().await;
    survives_every_crash(|| Store::Vault(Arc::new(vault.store()))).await;
}

#[tokio::test]
async fn a_vault_that_is_sealed_at_any_stage_pauses_the_rotation() {
    let vault = TestVault::start().await;
    let seal = async |away| {
        if away {
            vault.seal().await;
        } else {
            vault.unseal().await;
            vault.revoke_logins().await;
        }
    };
    pauses_while_away(|| Store::Vault(Arc::new(vault.store())), seal).await;
}
