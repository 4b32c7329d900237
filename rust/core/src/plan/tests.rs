use std::fs;
use std::os::unix::fs::MetadataExt;

use proptest::prelude::*;

use super::*;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::source::{FileSource, Policy, add_files, add_tree};

/// Something that happens to a file.
type Fault = fn(&Path);

fn planned(root: &Path) -> Plan {
    let mut plan = PlanBuilder::default();
    add_tree(&mut plan, root, &Policy::default(), 2, &Cancel::default()).unwrap();
    plan.finish(0).unwrap().0
}

fn whole(plan: &Plan) -> Vec<u8> {
    let mut tar = vec![0xaa; usize::try_from(plan.size()).unwrap()];
    plan.reader().fill(0, &mut tar).unwrap();
    tar
}

#[test]
fn an_empty_plan_is_a_trailer() {
    assert_eq!(whole(&PlanBuilder::default().finish(0).unwrap().0), [0; 1024]);
}

#[test]
fn an_entry_costs_what_the_module_says() {
    assert!(size_of::<Planned>() <= 200, "{} bytes", size_of::<Planned>());
}

#[test]
fn a_file_that_changed_since_the_plan_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("f");
    let faults: [(&str, Fault); 5] = [
        ("now has 7", |file| fs::write(file, "shorter").unwrap()),
        ("now has 19", |file| {
            fs::write(file, "longer than it was.").unwrap();
        }),
        ("change time moved", |file| {
            fs::write(file, "as long as.").unwrap();
        }),
        ("another file", |file| {
            fs::write(file.with_extension("new"), "as long as.").unwrap();
            fs::rename(file.with_extension("new"), file).unwrap();
        }),
        ("No such file", |file| fs::remove_file(file).unwrap()),
    ];
    for (message, fault) in faults {
        fs::write(&file, "as it was..").unwrap();
        let plan = planned(root.path());
        fault(&file);
        let mut tar = vec![0; usize::try_from(plan.size()).unwrap()];
        let error = plan.reader().fill(0, &mut tar).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains(file.to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_link_in_the_place_of_a_planned_directory_is_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let (tree, other) = (root.path().join("tree"), root.path().join("other"));
    for directory in [tree.join("d"), other.join("d")] {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("f"), "content").unwrap();
    }
    let plan = planned(&tree);
    fs::remove_dir_all(tree.join("d")).unwrap();
    std::os::unix::fs::symlink(other.join("d"), tree.join("d")).unwrap();
    let mut tar = vec![0; usize::try_from(plan.size()).unwrap()];
    assert!(matches!(plan.reader().fill(0, &mut tar), Err(Error::Io { .. })));
}

#[test]
fn the_output_of_the_build_is_refused_as_input() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("out"), "").unwrap();
    let metadata = fs::metadata(root.path().join("out")).unwrap();
    let mut plan = PlanBuilder::new(vec![(metadata.dev(), metadata.ino())], Edits::default());
    let error =
        add_tree(&mut plan, root.path(), &Policy::default(), 2, &Cancel::default()).unwrap_err();
    assert!(error.to_string().contains("inside the tree that it is made of"), "{error}");
}

proptest! {
    #[test]
    fn any_stretch_is_that_of_the_whole(
        sizes in prop::collection::vec(0_usize..3000, 1..12),
        cuts in prop::collection::vec(0.0_f64..1.0, 0..12),
    ) {
        let root = tempfile::tempdir().unwrap();
        let mut plan = PlanBuilder::default();
        for (number, size) in sizes.iter().enumerate() {
            fs::write(root.path().join(format!("{number:02}")), vec![b'a'; *size]).unwrap();
        }
        add_tree(&mut plan, root.path(), &Policy::default(), 2, &Cancel::default()).unwrap();
        let bytes = FileSource::Bytes(vec![b'b'; sizes[0]].into());
        add_files(&mut plan, [(b"z/y/x".to_vec(), bytes)], &Policy::default()).unwrap();
        let plan = plan.finish(0).unwrap().0;
        let tar = whole(&plan);

        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let mut edges: Vec<usize> = cuts.iter().map(|cut| (cut * tar.len() as f64) as usize).collect();
        edges.extend([0, tar.len()]);
        edges.sort_unstable();
        let mut reader = plan.reader();
        for edge in edges.windows(2) {
            let mut part = vec![0xaa; edge[1] - edge[0]];
            reader.fill(edge[0] as u64, &mut part).unwrap();
            prop_assert_eq!(&part, &tar[edge[0]..edge[1]]);
        }
    }
}
