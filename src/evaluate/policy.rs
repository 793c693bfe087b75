//! One endpoint, one direction, one packet. (To be written.)

use crate::model::flow::{Decider, HopAction, Packet};
use crate::model::policy::Direction;
use crate::model::world::{Pod, World};

/// What policy says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Allow, Deny or Unknown.
    pub action: HopAction,
    /// Who decided.
    pub by: Decider,
}

/// Asks every policy of a pod, tier by tier, as Felix does.
pub fn judge_pod(_world: &World, _pod: &Pod, _direction: Direction, _packet: &Packet) -> Judgement {
    todo!()
}
