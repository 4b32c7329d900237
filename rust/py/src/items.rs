//! The items of a layer as Python describes them: a name and its terms.

use std::path::PathBuf;

use fastlayer_core::Result;
use fastlayer_core::source::{Item, Items, Patterns, Policy, item_path};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::descriptor::{LayerStretch, layer_files};
use crate::error::raised;
use crate::layer::PolicyArgument;

/// One of `fastlayer.items`, by its terms.
pub(crate) struct ItemArgument(Item);

impl<'py> FromPyObject<'_, 'py> for ItemArgument {
    type Error = PyErr;

    fn extract(terms: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let name: String = terms.get_item(0)?.extract()?;
        let item = match &*name {
            "host" => host(terms.extract()?),
            "bytes" => bytes(terms.extract()?),
            "directory" => directory(terms.extract()?),
            "layers" => layers(terms.extract()?),
            "archive" => {
                let (_, file, policy): (String, PathBuf, PolicyArgument) = terms.extract()?;
                item_policy(policy).map(|policy| Item::Archive { file, policy })
            }
            _ => return Err(PyValueError::new_err(format!("unknown kind of item `{name}`"))),
        };
        item.map(Self).map_err(|error| raised(terms.py(), error))
    }
}

/// Items are what builders copy, so patterns are asked as these do.
fn item_policy(policy: PolicyArgument) -> Result<Policy> {
    let policy = policy.into_policy()?;
    Ok(Policy { exclude: policy.exclude.by_level(), ..policy })
}

type Host = (String, PathBuf, PyBackedBytes, PolicyArgument, Vec<PyBackedBytes>, bool);

fn host((_, root, path, policy, ignore, contents): Host) -> Result<Item> {
    let (path, policy) = (item_path(&path)?, item_policy(policy)?);
    Ok(Item::Host { root, path, policy, ignore: Patterns::parse(ignore)?.by_level(), contents })
}

type Bytes = (String, PyBackedBytes, PyBackedBytes, u32, PolicyArgument);

fn bytes((_, path, content, mode, policy): Bytes) -> Result<Item> {
    let (path, policy) = (item_path(&path)?, item_policy(policy)?);
    Ok(Item::Bytes { path, content: (*content).into(), mode, policy })
}

type Directory = (String, PyBackedBytes, u32, (u32, u32), Option<i64>);

fn directory((_, path, mode, owner, mtime): Directory) -> Result<Item> {
    Ok(Item::Directory { path: item_path(&path)?, mode, owner, mtime })
}

type Layers = (String, Vec<usize>, PyBackedBytes, PolicyArgument, bool);

fn layers((_, layers, path, policy, contents): Layers) -> Result<Item> {
    let (path, policy) = (item_path(&path)?, item_policy(policy)?);
    Ok(Item::Layers { layers, path, policy, contents })
}

/// Layer blobs, and the items that name them by their places.
pub(crate) fn items(source: &Bound<'_, PyAny>) -> PyResult<Items> {
    let (layers, items): (Vec<LayerStretch>, Vec<ItemArgument>) = source.extract()?;
    let layers = layer_files(source.py(), layers)?;
    let items: Vec<_> = items.into_iter().map(|item| item.0).collect();
    let missing = |item: &Item| match item {
        Item::Layers { layers: places, .. } => places.iter().any(|&place| place >= layers.len()),
        _ => false,
    };
    if items.iter().any(missing) {
        return Err(PyValueError::new_err("an item names a layer that is not there"));
    }
    Ok(Items { layers, items })
}

/// Raises for items that `LayerQueue.add` would refuse.
#[pyfunction]
pub(crate) fn check_items(items: Vec<ItemArgument>) {
    drop(items);
}
