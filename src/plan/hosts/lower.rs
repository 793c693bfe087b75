//! `unlock --nodes`: takes the lock of the nodes back. Doors of Services stay closed where a grant needs that.
//! Never deletes what a person wrote.

use super::super::perimeter::{self, Shape, hosts, lower as whole, nodes_set};
use super::super::staged::take_back;
use super::super::{Plan, PlanError};
use super::{doors, fact};
use crate::model::world::World;

/// Plans it. An empty plan says that the nodes are not locked, or by whom.
pub fn unlock(world: &World) -> Result<Plan, PlanError> {
    let title = "unlock --nodes".to_string();
    let ours = hosts::remembered(world).is_some();
    let opened = whole::added_to_others(world);
    let mut notes = Vec::new();
    let observing = take_back::nodes(world, &mut notes);
    if !ours && !observing.is_empty() {
        let steps = observing.into_iter().chain(opened).collect();
        return Ok(Plan { title, steps, notes, ..Plan::default() });
    }
    if !ours && opened.is_empty() {
        let others: Vec<String> = hosts::of_others(world).iter().map(|policy| policy.id.to_string()).collect();
        let text = match others.is_empty() {
            true => "the nodes are not locked".to_string(),
            false => {
                format!("the nodes are locked by {}, which this tool did not make, and stay so", others.join(", "))
            }
        };
        return Ok(Plan { title, notes: vec![fact(text)], ..Plan::default() });
    }
    let grants = doors(world);
    if grants.is_empty() {
        let mut plan = Plan { title, ..whole::lower(world)? };
        plan.steps.splice(0..0, observing);
        return Ok(plan);
    }
    let shape = Shape { inline: nodes_set::find(world).is_none(), ..Shape::default() };
    let raised = perimeter::raise_around(world, world, &grants, &shape, None)?;
    let mut plan = Plan { title, steps: raised.steps, notes: raised.notes, ..Plan::default() };
    plan.steps.splice(0..0, observing);
    plan.steps.extend(opened);
    plan.notes.push(fact(format!("the doors of Services stay closed: {} grants need it", grants.len())));
    Ok(plan)
}
