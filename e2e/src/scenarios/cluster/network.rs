//! What the other scenarios take for granted of the network of a local cluster: they prove that the
//! application's own policies let it work, and only a network that enforces policies makes that a proof.

use anyhow::Result;

use crate::cluster::self_check;
use crate::scenarios::world::World;

pub(super) async fn policies_are_enforced(world: &World) -> Result<()> {
    let cluster = world.cluster().await?;
    if cluster.log_dir().is_none() {
        let note = "the network of a foreign cluster is not ours to check";
        world.progress().note(note);
        return Ok(());
    }
    self_check(cluster, world.progress()).await
}
