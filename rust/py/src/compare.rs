//! Two trees compared, wherever they are.

use std::path::PathBuf;
use std::thread::Builder;

use fastlayer_core::compare::{Change, Difference, Tree, differences};
use fastlayer_core::source::Slice;
use fastlayer_core::{Cancel, Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::descriptor::{LayerStretch, Stretch, layer_file};
use crate::interrupt;
use crate::layer::{Pairs, to_pairs};

/// One side: a directory, an archive, or the layers of an image with the lowest first.
#[derive(FromPyObject)]
pub(crate) enum Side {
    Directory(PathBuf),
    Archive(Stretch),
    Layers(Vec<LayerStretch>),
}

impl Side {
    fn read(self, cancel: &Cancel) -> Result<(Tree, Pairs)> {
        let mut tree = Tree::default();
        let mut left_out = Vec::new();
        match self {
            Self::Directory(path) => {
                left_out = to_pairs(tree.add_directory(&path, 1, cancel)?);
            }
            Self::Archive((file, offset, size, name)) => {
                tree.add_archive(Slice::new(file.0, offset, size), cancel)
                    .map_err(|error| error.in_archive(&name))?;
            }
            Self::Layers(layers) => {
                for layer in layers {
                    tree.apply_blob(&layer_file(layer)?, cancel)?;
                }
            }
        }
        Ok((tree, left_out))
    }
}

type Bytes<'py> = Bound<'py, PyBytes>;

/// A path, `A`, `D` or `M`, and the facts that changed: name, before, after.
type Found<'py> = (Bytes<'py>, &'static str, Vec<(Bytes<'py>, Bytes<'py>, Bytes<'py>)>);

/// All that is different in `after`, and what was left out on either side.
#[pyfunction]
#[pyo3(signature = (before, after))]
pub(crate) fn compare_trees(
    py: Python<'_>,
    before: Side,
    after: Side,
) -> PyResult<(Vec<Found<'_>>, Pairs)> {
    let (found, left_out) = interrupt::run(py, "".as_ref(), None, |cancel, _| {
        let (one, other) = std::thread::scope(|scope| {
            let one = Builder::new()
                .spawn_scoped(scope, || before.read(cancel))
                .map_err(Error::no_thread)?;
            let other = after.read(cancel);
            Ok::<_, Error>((one.join(), other))
        })?;
        let panicked = |_| Error::Internal("a thread of the core panicked".into());
        let ((one, mut left_out), (other, more)) = (one.map_err(panicked)??, other?);
        left_out.extend(more);
        Ok((differences(&one, &other), left_out))
    })?;
    Ok((found.into_iter().map(|difference| wrap(py, difference)).collect(), left_out))
}

fn wrap(py: Python<'_>, difference: Difference) -> Found<'_> {
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes);
    let (letter, facts) = match difference.change {
        Change::Added => ("A", Vec::new()),
        Change::Deleted => ("D", Vec::new()),
        Change::Modified(facts) => ("M", facts),
    };
    let facts =
        facts.iter().map(|fact| (bytes(&fact.name), bytes(&fact.before), bytes(&fact.after)));
    (bytes(&difference.path), letter, facts.collect())
}
