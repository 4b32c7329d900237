//! Layers of what can be planned: every entry is known before any content is read.

use super::build::Build;
use super::source::Source;
use crate::edit::Edits;
use crate::error::{Error, Result};
use crate::plan::{Plan, PlanBuilder};
use crate::source::{Layers, add_diff, add_files, add_mtree, add_overlay, add_tree};
use crate::stack::Ground;

impl Build {
    /// Plans a layer, and gives `work` the plan, the edits with what they met, and what the content
    /// comes from that the plan does not have itself. `limit` is that of [`PlanBuilder::set_limit`].
    pub(super) fn with_plan<T>(
        &self,
        source: &Source,
        threads: usize,
        limit: Option<usize>,
        work: impl FnOnce(&Plan, &Edits, Option<Layers<'_>>) -> Result<T>,
    ) -> Result<T> {
        let mut plan = PlanBuilder::new(self.outputs.clone(), self.edits.clone());
        plan.set_ground(self.ground());
        if let Some(most) = limit {
            plan.set_limit(most, self.cancel.clone());
        }
        let archives = match source {
            Source::Items(items) => items.archives()?,
            _ => Vec::new(),
        };
        let (policy, cancel) = (&self.policy, &self.cancel);
        let mut layers = None;
        match source {
            Source::Directory(path) => add_tree(&mut plan, path, policy, threads, cancel)?,
            Source::Diff { lower, upper } => {
                add_diff(&mut plan, lower, upper, policy, threads, cancel)?;
            }
            Source::Overlay(path) => add_overlay(&mut plan, path, policy, threads, cancel)?,
            Source::Files(files) => add_files(&mut plan, files.iter().cloned(), policy)?,
            Source::Items(items) => {
                layers = items.add(&mut plan, &archives, policy, threads, cancel)?;
            }
            Source::Mtree(file, base) => {
                add_mtree(&mut plan, file, base.as_deref(), policy, cancel)?;
            }
            Source::Flatten(files) => {
                layers = Some(Layers::add(&mut plan, files, policy, threads, cancel)?);
            }
            Source::Archive(_)
            | Source::ArchivePart(..)
            | Source::Stream(_)
            | Source::Transcode(_)
            | Source::Rewrite(_) => {
                return Err(Error::Internal("a stream has no plan".into()));
            }
        }
        Edits::put_all(&mut plan, policy)?;
        let (mut plan, edits) = plan.finish(policy.default_mtime())?;
        if layers.is_some() {
            plan = plan.in_order_of_members();
        }
        work(&plan, &edits, layers)
    }

    pub(super) fn ground(&self) -> Option<Ground> {
        self.ground.clone().map(|tree| Ground::new(tree, self.policy.clamp_mtime))
    }
}
