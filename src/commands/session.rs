//! A command at work: its surroundings, and the cluster or the files that it reads, round by round.
//! Never knows what the command wants to find out.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};

use super::context::Context;
use super::signals;
use crate::apply::Interrupt;
use crate::kubernetes::Reader;
use crate::kubernetes::cluster::{Cluster, Listener, Notice, Way};
use crate::kubernetes::manifests::Manifests;
use crate::kubernetes::names::{Kind, RESOURCES};
use crate::kubernetes::objects::{Answer, Coverage, Objects, Query, Unread};
use crate::kubernetes::source::Source;
use crate::model::world::World;
use crate::observe;
use crate::outcome::{Outcome, Problem};
use crate::plan::hosts::operator::Operator;
use crate::show::paint::harmless;
use crate::show::unread;

/// How many rounds of questions lead to an answer at most: names, then what they stand for, then its neighbours. A guard
/// against a question that never ends.
const ROUNDS: usize = 8;

/// A command at work.
pub struct Session<'a> {
    /// Its surroundings.
    pub context: &'a Context,
    /// What it reads and writes.
    pub source: Source,
    /// Raised by Ctrl-C, once something listens for it.
    pub interrupt: Interrupt,
    /// Whether what could not be read was said.
    said: RefCell<bool>,
    listens: Cell<bool>,
}

/// What was read.
#[derive(Debug)]
pub struct Scene {
    /// As facts.
    pub world: World,
    /// Documents that could not be understood.
    pub unread: Vec<Unread>,
    /// What was asked for.
    pub asked: Vec<Query>,
    /// The resources of which something may not be read.
    pub hidden: BTreeSet<&'static str>,
    /// What the API server failed to answer, and why.
    pub failed: Vec<(Kind, String)>,
}

impl Scene {
    /// The scene for a plan. A server that failed says more when it is asked again: on half of its answers nothing is planned.
    pub fn answered(self) -> Result<Scene, Problem> {
        let Some((kind, reason)) = self.failed.first() else { return Ok(self) };
        let plural = kind.resource().plural;
        let problem = Problem::unknown(format!("{plural} could not be read, so no change is planned")).because(reason);
        Err(problem.hint(format!("the same command again, once `kubectl get {plural} -A` answers")))
    }
}

impl<'a> Session<'a> {
    /// Runs a command that reads something. Everything happens on this thread.
    pub fn run<F>(context: &Context, work: F) -> Result<Outcome, Problem>
    where
        F: AsyncFnOnce(&Session<'_>) -> Result<Outcome, Problem>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Problem::failed("the program cannot start its work").because(error))?;
        runtime.block_on(async {
            let session = Session {
                context,
                source: open(context).await?,
                interrupt: Interrupt::default(),
                said: RefCell::new(false),
                listens: Cell::new(false),
            };
            work(&session).await
        })
    }

    /// A session of its own for the same command, with credentials as they are now; what stops one stops the other.
    pub async fn again<'b>(&self, context: &'b Context) -> Result<Session<'b>, Problem> {
        Ok(Session {
            context,
            source: open(context).await?,
            interrupt: self.interrupt.clone(),
            said: RefCell::new(*self.said.borrow()),
            listens: Cell::new(self.listens.get()),
        })
    }

    /// The namespace in which a bare name is looked up; none means all.
    pub fn namespace(&self) -> Option<String> {
        let global = &self.context.global;
        match &self.source {
            _ if global.all_namespaces => None,
            _ if global.namespace.is_some() => global.namespace.clone(),
            Source::Cluster(cluster) => cluster.namespace().map(str::to_string),
            Source::Manifests(_) => None,
        }
    }

    /// From now on Ctrl-C ends the program between two steps, and not at once.
    pub fn listen(&self) {
        if !self.listens.replace(true) {
            signals::listen(self.interrupt.clone(), self.context.clone());
        }
    }

    /// Whether standard input is read, which cannot be written to.
    pub fn reads_stdin(&self) -> bool {
        self.context.global.filename.iter().any(|file| file.as_os_str() == "-")
    }

    /// How this program's requests come to the API server, where there is one.
    pub fn operator(&self) -> Option<Operator> {
        let Source::Cluster(cluster) = &self.source else { return None };
        let Way { host, port, addresses, local } = cluster.way();
        Some(Operator { server: host, addresses, port, local })
    }

    /// Refuses -f where it makes no sense.
    pub fn needs_a_cluster(&self, why: &str) -> Result<(), Problem> {
        match self.source {
            Source::Cluster(_) => Ok(()),
            Source::Manifests(_) => Err(Problem::usage(format!("-f does not go with this command: {why}"))),
        }
    }

    /// Reads what a question needs, and says what could not be read.
    pub async fn observe(&self, first: Vec<Query>, next: impl Fn(&World) -> Vec<Query>) -> Result<Scene, Problem> {
        let scene = self.look(first, next).await?;
        if !self.said.replace(true) {
            self.context.say(&unread::warning(&scene.unread, self.context.paint_errors));
            self.context.say(&unread::hidden(&scene.hidden, self.context.paint_errors));
        }
        Ok(scene)
    }

    /// Reads what a question needs: `next` says what is still missing, given what is known by now. No query is asked twice.
    pub async fn look(&self, first: Vec<Query>, next: impl Fn(&World) -> Vec<Query>) -> Result<Scene, Problem> {
        let mut objects = Objects::default();
        let mut asked: HashSet<Query> = HashSet::new();
        let mut queries = first;
        let mut world;
        let mut round = 0;
        loop {
            queries.retain(|query| asked.insert(query.clone()));
            self.source.read(&queries, &mut objects).await?;
            objects.once();
            world = observe::world(&objects);
            queries = next(&world);
            queries.retain(|query| !asked.contains(query));
            round += 1;
            if queries.is_empty() || round == ROUNDS {
                break;
            }
        }
        let hidden = hidden(&mut objects);
        let Objects { unread, failed, .. } = objects;
        Ok(Scene { world, unread, failed, asked: asked.into_iter().collect(), hidden })
    }
}

/// What may not be read, by its resources.
fn hidden(objects: &mut Objects) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for resource in RESOURCES {
        let is_hidden =
            |coverage: &Coverage| coverage.query.kind == resource.kind && matches!(coverage.answer, Answer::Hidden(_));
        if objects.coverage_mut(resource.kind).iter().any(is_hidden) {
            found.insert(resource.plural);
        }
    }
    found
}

async fn open(context: &Context) -> Result<Source, Problem> {
    let global = &context.global;
    if !global.filename.is_empty() {
        return Ok(Source::Manifests(Box::new(Manifests::new(global.filename.clone()))));
    }
    let cluster = Cluster::connect(&global.connection, listener(context))
        .await
        .map_err(|error| Problem::from(error).hint("-f works on a directory of manifests, without a cluster"))?;
    Ok(Source::Cluster(Box::new(cluster)))
}

/// What a person should hear while a cluster is asked; every request only with -v=6, as with kubectl.
fn listener(context: &Context) -> Listener {
    let context = context.clone();
    Box::new(move |notice| {
        if context.global.verbose >= 6 || !matches!(notice, Notice::Exchange { .. }) {
            context.say(&format!("{}\n", harmless(&notice.to_string())));
        }
    })
}
