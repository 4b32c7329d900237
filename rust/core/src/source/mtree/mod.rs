//! A description in the text of mtree(5) as a source: what is in the layer stands in a file, the
//! content of its files lies below a base directory.
//!
//! [`content`] finds the files, [`names`] knows which paths are names of one file. What is here
//! makes entries of records.

mod content;
mod names;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use self::content::{Base, Found};
use self::names::Names;
use super::{Owner, Policy, refuse_whiteout_name};
use crate::cancel::Cancel;
use crate::error::{Error, Result, display_path};
use crate::mtree::{Keywords, Record, Type, parse};
use crate::plan::PlanBuilder;
use crate::tar::{Entry, Kind, Xattr, append_header, is_within};

/// Adds all that the mtree file `file` describes to `plan`.
///
/// The content of a file is what its `contents=` names, or what has its path, below `base`: by
/// default the directory that `file` is in. Nothing there is reached through a link; only an
/// absolute `contents=` is a file of the host like any that a user names. What a line does not say
/// is as for single files: they keep their mode and time, and all belongs to root.
///
/// Errors name the line. A socket is left out with a warning, an optional file that is not there
/// without one.
pub(crate) fn add_mtree(
    plan: &mut PlanBuilder,
    file: &Path,
    base: Option<&Path>,
    policy: &Policy,
    cancel: &Cancel,
) -> Result<()> {
    let input = File::open(file).map_err(|error| Error::io("open", file, error))?;
    let records = parse(BufReader::new(input), file, cancel)?;
    let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let base = base.or(beside).unwrap_or(Path::new("."));
    let base = Base::open(plan, base, file, policy)?;
    let (names, header) = (Names::default(), Vec::new());
    let mut walk = Walk { plan, file, policy, base, names, leaf: None, header };
    for record in records {
        cancel.check()?;
        let excluded = policy.exclude.excludes(&record.path);
        if !excluded || is_directory(&record) && policy.exclude.has_negation() {
            walk.add(record, excluded)?;
        }
    }
    Ok(())
}

fn is_directory(record: &Record) -> bool {
    record.keywords.kind == Some(Type::Directory)
}

struct Walk<'a> {
    plan: &'a mut PlanBuilder,
    file: &'a Path,
    policy: &'a Policy,
    base: Base<'a>,
    names: Names,
    /// The last path that can hold no others, and its line.
    leaf: Option<(Box<[u8]>, u64)>,
    header: Vec<u8>,
}

impl Walk<'_> {
    /// Adds what a record describes. An `excluded` directory is kept if something below it is.
    fn add(&mut self, record: Record, excluded: bool) -> Result<()> {
        let line = record.line;
        let at_line = |reason: String| Error::mtree(self.file, line, reason);
        check_place(&record, self.leaf.as_ref()).map_err(at_line)?;
        if !is_directory(&record) {
            self.leaf = Some((record.path.clone(), line));
        }
        let Some(kind) = kind_of(&record).map_err(at_line)? else {
            let what = "is a socket, which no layer can hold: left out";
            self.plan.warn(display_path(&record.path).to_path_buf(), what);
            return Ok(());
        };
        check_owner(&record.keywords, self.policy).map_err(at_line)?;
        let stated = self.names.stated(&record);
        let known = stated.and_then(|identity| self.names.found(identity, &record));
        let found = match known {
            None => self.base.find(self.plan, &record, &kind, stated)?,
            known => known,
        };
        let Some(Found { mode, mtime, size, content }) = found else { return Ok(()) };
        let Record { path, keywords, .. } = record;
        let entry = Entry {
            path,
            kind,
            mode: keywords.mode.unwrap_or(mode),
            uid: keywords.uid.unwrap_or(0),
            gid: keywords.gid.unwrap_or(0),
            mtime: keywords.time.unwrap_or(mtime),
            size,
            xattrs: sorted(keywords.xattrs),
        };
        if let Some(identity) = content.identity() {
            self.names.add(identity, &entry, &content, keywords.sha256, line).map_err(at_line)?;
        }
        let owned = keywords.uid.is_some() || keywords.gid.is_some();
        let entry = self.treated(entry, owned).map_err(|error| match error {
            Error::Unsupported { .. } => Error::mtree(self.file, line, error.to_string()),
            other => other,
        })?;
        self.plan.push(entry, content, excluded);
        Ok(())
    }

    /// The entry under the policy. What has no place in a tar is refused while its line is known.
    fn treated(&mut self, mut entry: Entry, owned: bool) -> Result<Entry> {
        if owned {
            self.policy.apply(&mut entry)?;
        } else {
            self.policy.apply_to_made(&mut entry);
        }
        self.header.clear();
        append_header(&entry, &mut self.header)?;
        Ok(entry)
    }
}

/// Whether an entry can be where the record says; `leaf` is the last one that is no directory.
fn check_place(record: &Record, leaf: Option<&(Box<[u8]>, u64)>) -> Result<(), String> {
    let shown = display_path(&record.path);
    for part in record.path.split(|&byte| byte == b'/') {
        refuse_whiteout_name(part, || shown).map_err(|error| error.to_string())?;
    }
    if record.path.is_empty() && !is_directory(record) {
        return Err("the root is not described as a directory".into());
    }
    match leaf {
        Some((leaf, line)) if is_within(&record.path, leaf) => Err(format!(
            "`{}` lies in `{}`, which is no directory on line {line}",
            shown.display(),
            display_path(leaf).display()
        )),
        _ => Ok(()),
    }
}

/// What the record describes; `None` for a socket.
fn kind_of(record: &Record) -> Result<Option<Kind>, String> {
    let Keywords { kind, link, device, .. } = &record.keywords;
    let lacks = |what: &str| {
        let path = display_path(&record.path).display();
        format!("`{path}` has no {what}")
    };
    let numbers = || device.ok_or_else(|| lacks("`device`"));
    Ok(Some(match kind.ok_or_else(|| lacks("`type`"))? {
        Type::File => Kind::Regular,
        Type::Directory => Kind::Directory,
        Type::Link => match link {
            Some(target) if !target.is_empty() => Kind::Symlink(target.clone()),
            _ => return Err(lacks("`link`, the target of a link")),
        },
        Type::Char => numbers().map(|(major, minor)| Kind::CharDevice { major, minor })?,
        Type::Block => numbers().map(|(major, minor)| Kind::BlockDevice { major, minor })?,
        Type::Fifo => Kind::Fifo,
        Type::Socket => return Ok(None),
    }))
}

/// Owner and group are numbers, and root's unless they are stated. A name alone would need the
/// accounts of a host.
fn check_owner(keywords: &Keywords, policy: &Policy) -> Result<(), String> {
    let Keywords { uid, gid, uname, gname, .. } = *keywords;
    for (id, named, number, name) in [(uid, uname, "uid", "uname"), (gid, gname, "gid", "gname")] {
        if id.is_none() && named && !matches!(policy.owner, Owner::Fixed(..)) {
            return Err(format!(
                "`{name}` without `{number}`: a layer needs a number, here or for all entries"
            ));
        }
    }
    Ok(())
}

fn sorted(mut xattrs: Vec<Xattr>) -> Box<[Xattr]> {
    xattrs.sort();
    xattrs.into()
}
