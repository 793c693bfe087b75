//! Every way of a flow, hop by hop. (To be written.)

use crate::model::flow::{Packet, Path};
use crate::model::world::World;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The packet as its sender makes it.
    pub packet: Packet,
    /// The node where it enters, where the question names one.
    pub entry: Option<String>,
}

/// Every way that the packet can take.
pub fn walk(_world: &World, _question: &Question) -> Vec<Path> {
    todo!()
}
