//! From objects to a world: one file per fact, each fact with its evidence.
//! Never knows a client, a file or the time.

mod callbacks;
mod gaps;
mod hosts;
mod kubernetes_policies;
mod network;
mod nodes;
mod policies;
mod services;
mod system;
#[cfg(test)]
mod tests;
mod workloads;

use crate::kubernetes::objects::Objects;
use crate::model::world::World;

/// Everything that objects tell.
pub fn world(objects: &Objects) -> World {
    let mut world = World { calico: system::calico_version(objects), ..World::default() };
    gaps::observe(objects, &mut world);
    nodes::observe(objects, &mut world);
    workloads::observe(objects, &mut world);
    hosts::observe(objects, &mut world);
    services::observe(objects, &mut world);
    network::observe(objects, &mut world);
    system::observe(objects, &mut world);
    callbacks::observe(objects, &mut world);
    policies::observe(objects, &mut world);
    world.gaps.sort();
    world.gaps.dedup();
    world.index();
    world
}
