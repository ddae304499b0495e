//! A cluster leaves no process, mount, namespace, cgroup or firewall rule behind.

use anyhow::Result;

use crate::cluster::leak_check;
use crate::scenarios::world::World;

pub(super) async fn none(world: &World) -> Result<()> {
    if !world.cluster().await?.is_local() {
        world
            .progress()
            .note("a foreign cluster is not ours to end");
        return Ok(());
    }
    // Another cluster runs beside the one of this test run.
    leak_check(world.progress()).await
}
