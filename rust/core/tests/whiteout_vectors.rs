//! The tables of moby/go-archive and go-containerregistry: what layers leave of those below them.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod vectors;

use fastlayer_core::compare::{Stack, is_whiteout};
use fastlayer_core::tar::normalize_path;
use serde_json::Value;

use self::vectors::bytes;

fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().into()).collect()
}

fn apply(stack: &mut Stack<bool>, layer: &[String]) {
    let paths: Vec<_> = layer.iter().map(|name| normalize_path(name.as_bytes()).unwrap()).collect();
    stack.remove_for(paths.iter().map(|path| &**path));
    for (path, name) in paths.into_iter().zip(layer) {
        if !is_whiteout(&path) {
            stack.put(path, name.ends_with('/'), name.ends_with('/'));
        }
    }
}

fn listed(stack: &Stack<bool>) -> Vec<String> {
    let text = |path: &[u8]| String::from_utf8(path.to_vec()).unwrap();
    stack.iter().map(|(path, &folder)| text(path) + if folder { "/" } else { "" }).collect()
}

#[test]
fn layers_are_applied_one_after_another() {
    let Some(vectors) = vectors::json("whiteouts.json") else { return };
    let mut stack = Stack::default();
    for step in vectors["apply_in_order"].as_array().unwrap() {
        apply(&mut stack, &strings(&step["change"]));
        let mut found = listed(&stack);
        let mut expected = strings(&step["expected"]);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}

#[test]
fn what_is_below_a_whiteout_is_gone() {
    let Some(vectors) = vectors::json("whiteouts.json") else { return };
    let table = &vectors["ggcr_TestWhiteoutDir"];
    let whiteouts: Vec<String> = table["fsMap"].as_object().unwrap().keys().cloned().collect();
    for row in table["tests"].as_array().unwrap() {
        let path = bytes(&row["path"]);
        let mut stack = Stack::default();
        stack.put(path.clone().into(), (), false);
        let markers: Vec<String> = whiteouts
            .iter()
            .map(|path| {
                path.rsplit_once('/')
                    .map_or(format!(".wh.{path}"), |(folder, name)| format!("{folder}/.wh.{name}"))
            })
            .collect();
        stack.remove_for(markers.iter().map(String::as_bytes));
        assert_eq!(stack.get(&path).is_none(), row["whiteout"].as_bool().unwrap(), "{row}");
    }
}

/// Their table is for all systems; a backslash or a drive letter is a name like others on Linux.
#[test]
fn paths_out_of_the_root_are_refused() {
    let Some(vectors) = vectors::json("whiteouts.json") else { return };
    let table = &vectors["ggcr_TestExtractRejectsUnsafeArchivePaths"]["entries"];
    for row in table.as_array().unwrap() {
        let path = bytes(&row["path"]);
        let of_windows = path.contains(&b'\\') || path.starts_with(b"C:");
        let refused = row["wantErr"].as_bool().unwrap() && !of_windows;
        assert_eq!(normalize_path(&path).is_err(), refused, "{row}");
    }
}
