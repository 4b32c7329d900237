//! What the entries of archives may be called.

use std::path::Path;

use crate::error::{Error, Result, display_path};
use crate::stack::whiteout;
use crate::tar::{Entry, Kind, WHITEOUT_PREFIX, parent_of};

/// A file whose name begins with `.wh.` cannot be stored: in a layer that name deletes another
/// file (image-spec, "Whiteouts").
pub(crate) fn refuse_whiteout_name<P: AsRef<Path>>(
    name: &[u8],
    shown: impl FnOnce() -> P,
) -> Result<()> {
    if name.starts_with(WHITEOUT_PREFIX) {
        let reason = "a name that begins with `.wh.` would delete files when the layer is applied";
        return Err(Error::unsupported(shown(), reason));
    }
    Ok(())
}

/// Refuses a path with such a name in it.
pub(super) fn check_name(path: &[u8]) -> Result<()> {
    path.split(|&byte| byte == b'/')
        .try_for_each(|part| refuse_whiteout_name(part, || display_path(path)))
}

/// Refuses a whiteout that no engine, or not every engine, understands: one of nothing, which
/// Docker takes for one of the directory that it is in, one below such a name, or what an edit has
/// given such a name.
pub(super) fn check_whiteout(entry: &Entry) -> Result<()> {
    check_name(parent_of(&entry.path).unwrap_or_default())?;
    if whiteout(&entry.path).is_none() {
        return Err(refused(entry, "it is a whiteout that names nothing"));
    }
    if entry.kind != Kind::Regular || entry.size > 0 {
        return Err(refused(entry, "it has the name of a whiteout, but is no empty file"));
    }
    Ok(())
}

fn refused(entry: &Entry, reason: &str) -> Error {
    Error::unsupported(display_path(&entry.path), reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whiteouts_of_something_are_understood() {
        for (path, size, reason) in [
            (&b".wh.a"[..], 0, None),
            (b"d/.wh..wh..opq", 0, None),
            (b"d/.wh.a", 1, Some("no empty file")),
            (b"d/.wh.", 0, Some("names nothing")),
            (b".wh..", 0, Some("names nothing")),
            (b".wh...", 0, Some("names nothing")),
            (b".wh.d/.wh.a", 0, Some("begins with `.wh.`")),
        ] {
            let entry = Entry { kind: Kind::Regular, size, ..Entry::implied_directory(path, 0) };
            let error = check_whiteout(&entry).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), reason.is_some(), "{error:?}");
            assert!(error.unwrap_or_default().contains(reason.unwrap_or_default()));
        }
    }
}
