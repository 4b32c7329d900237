//! What unpacking an archive leaves.

use std::collections::HashSet;

use super::super::Policy;
use super::super::archive::{ArchiveFile, unpacked};
use super::super::layers::Layers;
use super::super::names::check_name;
use crate::error::{Error, Result};
use crate::plan::{Content, PlanBuilder};
use crate::stack::check_form;
use crate::tar::Entry;

/// Adds all entries of `file` to `plan`, whose content `layers` will give. One for its root says
/// nothing of the directory that it is unpacked in.
///
/// Below a directory that the archive has no entry for, and that is a symbolic link in the ground,
/// they go where it leads.
pub(super) fn add<'a>(
    plan: &mut PlanBuilder,
    layers: &mut Layers<'a>,
    file: &'a ArchiveFile,
    policy: &Policy,
) -> Result<()> {
    if !file.rereadable() {
        let reason = "it is a pipe, and an archive among other items is read twice".to_owned();
        return Err(Error::unsupported(file.path(), reason));
    }
    let (members, count) = unpacked(layers.open(file)?, layers.cancel())?;
    let first = layers.number(file, count);
    let mut treated = Vec::with_capacity(members.len());
    for member in members {
        let mut entry = member.entry;
        if entry.path.is_empty() {
            continue;
        }
        check_name(&entry.path)?;
        check_form(&entry)?;
        let excluded = policy.exclude.excludes(&entry.path);
        if excluded && !(entry.is_directory() && policy.exclude.has_negation()) {
            continue;
        }
        policy.apply(&mut entry)?;
        let content = Content::Member { number: first + member.number, shared: member.shared };
        treated.push((entry, content, excluded));
    }
    land(plan, &mut treated);
    for (entry, content, excluded) in treated {
        check_name(&entry.path)?;
        plan.push(entry, content, excluded);
    }
    Ok(())
}

/// Follows the links of the ground that the archive does not replace.
fn land(plan: &PlanBuilder, treated: &mut [(Entry, Content, bool)]) {
    let Some(ground) = plan.ground() else { return };
    let directories =
        treated.iter().filter(|(entry, _, excluded)| entry.is_directory() && !excluded);
    let own: HashSet<Box<[u8]>> = directories.map(|(entry, ..)| entry.path.clone()).collect();
    for (entry, ..) in treated {
        if let Some(place) = ground.landing(&entry.path, |path| own.contains(path)) {
            entry.path = place;
        }
    }
}
