//! What a layer would hold, in the text of mtree(5): the way from a source to a description.

use std::collections::HashMap;
use std::fs;
use std::io::BufReader;
use std::path::Path;

use crate::cancel::Cancel;
use crate::edit::Edits;
use crate::error::{Error, Result, display_path};
use crate::mtree::{Names, SIGNATURE, write_line};
use crate::pipeline::Progress;
use crate::plan::{PlanBuilder, Warning};
use crate::source::{
    ArchiveFile, ArchiveStream, Decoder, Form, Policy, Survey, Treatment, add_tree,
};
use crate::tar::{Kind, Listed, compare_paths, list};

/// Bytes that files are read by.
const READ: usize = 256 * 1024;

/// How a description is made.
pub struct Describe<'a> {
    /// Whether files are read for their SHA-256. Without that, a directory is only listed.
    pub digests: bool,
    /// Leaves extended attributes out.
    pub drop_xattrs: bool,
    /// Number of threads that look at a directory.
    pub threads: usize,
    /// Stops the work from outside.
    pub cancel: &'a Cancel,
    /// Tells how far it is.
    pub progress: &'a Progress,
}

impl Describe<'_> {
    /// Describes what a layer of `path` holds: of a directory, or of a tar, plain or compressed.
    ///
    /// Returns the text, sorted as a layer is, and what was left out.
    pub fn run(self, path: &Path) -> Result<(Vec<u8>, Vec<Warning>)> {
        let metadata = fs::metadata(path).map_err(|error| Error::io("open", path, error))?;
        let (mut entries, warnings) = if metadata.is_dir() {
            self.directory(path)?
        } else {
            let entries = self.archive(path).map_err(|error| error.in_archive(path))?;
            (entries, Vec::new())
        };
        entries.sort_unstable_by(|left, right| compare_paths(&left.entry.path, &right.entry.path));
        Ok((text(&entries)?, warnings))
    }

    fn policy(&self) -> Policy {
        Policy { drop_xattrs: self.drop_xattrs, ..Policy::default() }
    }

    fn directory(&self, path: &Path) -> Result<(Vec<Listed>, Vec<Warning>)> {
        let policy = self.policy();
        let mut plan = PlanBuilder::default();
        add_tree(&mut plan, path, &policy, self.threads, self.cancel)?;
        let (plan, _) = plan.finish(policy.default_mtime())?;
        let entries = if self.digests {
            self.progress.set_total(plan.size());
            list(self.progress.count(plan.stream()), true, self.cancel)?
        } else {
            // All is known without reading a file.
            plan.list_entries().map(|entry| Listed { entry: entry.clone(), digest: None }).collect()
        };
        Ok((entries, plan.warnings().to_vec()))
    }

    /// A tar is described as the layer that is made of it: what is refused there is refused here,
    /// and it is surveyed first only if one look is not enough.
    fn archive(&self, path: &Path) -> Result<Vec<Listed>> {
        let archive = ArchiveFile::open(path)?;
        self.progress.set_total(archive.size());
        match self.members(&archive, Survey::default()) {
            Err(Error::OutOfOrder { .. }) if archive.rereadable() => {}
            result => return result,
        }
        self.progress.restart();
        let input = Decoder::new(BufReader::with_capacity(READ, archive.reader()?))?;
        let mut treatment = Treatment::new(self.policy(), Edits::default(), Form::Tree);
        let survey = Survey::of(input, &mut treatment, self.cancel)?;
        self.members(&archive, survey)
    }

    /// The entries of the layer of a tar.
    fn members(&self, archive: &ArchiveFile, survey: Survey) -> Result<Vec<Listed>> {
        let (nothing, edits) = PlanBuilder::default().finish(0)?;
        let mut treatment = Treatment::new(self.policy(), edits, Form::Tree);
        let input = self.progress.count(archive.reader()?);
        let input = Decoder::new(BufReader::with_capacity(READ, input))?;
        let mut layer = ArchiveStream::new(input, &mut treatment, &nothing, survey);
        list(&mut layer, self.digests, self.cancel)
    }
}

/// The lines of sorted entries. All names of a file have what its own entry says, and a number
/// that counts such files from 1.
fn text(entries: &[Listed]) -> Result<Vec<u8>> {
    let files = files_of(entries)?;
    let mut names: HashMap<usize, Names> = HashMap::new();
    for (_, &file) in files.iter().enumerate().filter(|&(index, &file)| index != file) {
        names.entry(file).or_insert(Names { count: 1, inode: 0 }).count += 1;
    }
    let mut text = SIGNATURE.to_vec();
    let mut numbered = 0;
    for (listed, file) in entries.iter().zip(&files) {
        if let Some(names) = names.get_mut(file).filter(|names| names.inode == 0) {
            numbered += 1;
            names.inode = numbered;
        }
        let Listed { entry, digest } = &entries[*file];
        write_line(&listed.entry.path, entry, *digest, names.get(file).copied(), &mut text);
    }
    Ok(text)
}

/// For every entry the number of the one that is the file itself: its own, unless it is a hard link.
fn files_of(entries: &[Listed]) -> Result<Vec<usize>> {
    let mut files: Vec<Option<usize>> = vec![None; entries.len()];
    let mut chain = Vec::new();
    for start in 0..entries.len() {
        let mut at = start;
        // A link may lead to a link; what was found for one is not looked for again.
        let file = loop {
            if let Some(file) = files[at] {
                break file;
            }
            files[at] = Some(at);
            let Kind::HardLink(target) = &entries[at].entry.kind else {
                break at;
            };
            chain.push(at);
            at = index_of(entries, target)?;
        };
        for link in chain.drain(..) {
            files[link] = Some(file);
        }
    }
    Ok(files.into_iter().flatten().collect())
}

fn index_of(entries: &[Listed], path: &[u8]) -> Result<usize> {
    entries.binary_search_by(|listed| compare_paths(&listed.entry.path, path)).map_err(|_| {
        let path = display_path(path).display();
        Error::Internal(format!("the target `{path}` of a hard link is not there"))
    })
}
