//! Rotations with the ledger in Secrets Manager, with crashes and outages at every stage.

use std::sync::Arc;

use reportapp_operator::secret_store::Store;

use super::server::{TestAws, access_key};
use crate::crashes::{pauses_while_away, survives_every_crash};
use crate::gate::Gate;

#[tokio::test]
async fn a_ledger_in_aws_survives_every_crash_around_what_is_durable() {
    let aws = TestAws::start();
    survives_every_crash(|| Store::Aws(Arc::new(aws.store()))).await;
}

#[tokio::test]
async fn an_aws_that_is_away_at_any_stage_pauses_the_rotation() {
    let aws = TestAws::start();
    let gate = Gate::to(aws.port()).await;
    let address = format!("http://127.0.0.1:{}", gate.port);
    let store = || {
        Store::Aws(Arc::new(
            aws.store_at(&address, access_key("AKIAEXAMPLE", "k")),
        ))
    };
    pauses_while_away(store, async |away| gate.close(away)).await;
}
