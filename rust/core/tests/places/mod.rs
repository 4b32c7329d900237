//! Descriptions in the text of mtree(5) on disk, with what they describe.
#![allow(dead_code)] // Each test takes what it needs.

use std::fs;
use std::path::PathBuf;

use fastlayer_core::Error;
use fastlayer_core::blob::Source;
use fastlayer_core::source::Policy;

use crate::layers::{Members, members};

/// A directory with a description of that text, and what else is in it.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new(text: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.describe(text);
        place
    }

    pub(crate) fn describe(&self, text: &str) {
        fs::write(self.path("a.mtree"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
        self
    }

    pub(crate) fn source(&self) -> Source {
        Source::Mtree(self.path("a.mtree"), None)
    }

    pub(crate) fn layer(&self, policy: Policy) -> Members {
        members(self.source(), policy).unwrap()
    }

    /// What is wrong, without the names of temporary folders.
    pub(crate) fn error(&self) -> String {
        let error = members(self.source(), Policy::default()).unwrap_err();
        assert!(matches!(error, Error::Mtree { .. }), "{error:?}");
        error.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}
