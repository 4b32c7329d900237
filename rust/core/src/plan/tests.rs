use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::cancel::Cancel;
use crate::error::Error;
use crate::source::{FileSource, Policy, add_files, add_tree};
use crate::tar::Reader;

/// Something that happens to a file.
type Fault = fn(&Path);

fn planned(root: &Path) -> Plan {
    let mut plan = PlanBuilder::default();
    add_tree(&mut plan, root, &Policy::default(), 2, &Cancel::default()).unwrap();
    plan.finish(0).unwrap().0
}

fn bytes(content: &[u8]) -> FileSource {
    FileSource::Bytes(content.into())
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
        ("it is gone", |file| fs::remove_file(file).unwrap()),
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
fn what_comes_and_goes_after_the_walk_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("d/empty")).unwrap();
    fs::write(root.path().join("d/f"), "content").unwrap();
    let plan = planned(root.path());
    let before = whole(&plan);
    fs::write(root.path().join("d/new"), "not there when it was looked at").unwrap();
    fs::remove_dir(root.path().join("d/empty")).unwrap();
    assert_eq!(whole(&plan), before);
}

#[test]
fn sizes_around_8_gib_are_in_the_header_and_hold_as_much() {
    const LARGEST: u64 = 8 << 30;
    let root = tempfile::tempdir().unwrap();
    for size in [LARGEST - 1, LARGEST, LARGEST + 1] {
        let path = root.path().join("f");
        let file = fs::File::create(&path).unwrap();
        file.set_len(size).unwrap();
        file.write_all_at(b"end", size - 3).unwrap();
        let mut plan = PlanBuilder::default();
        let files = [(b"f".to_vec(), FileSource::Path(path)), (b"g".to_vec(), bytes(b"next"))];
        add_files(&mut plan, files, &Policy::default()).unwrap();
        let plan = plan.finish(0).unwrap().0;
        let mut header = vec![0; usize::try_from(plan.entries[0].header).unwrap()];
        plan.reader().fill(0, &mut header).unwrap();
        assert_eq!(Reader::new(&header[..]).next_member().unwrap().unwrap().entry.size, size);
        // Eleven octal digits end below 8 GiB: then some readers look at one form, some at another.
        let block = &header[header.len() - 512..];
        assert_eq!(block[124] == 0x80, size >= LARGEST);
        let record = format!(" size={size}\n");
        let recorded = header.windows(record.len()).any(|part| part == record.as_bytes());
        assert_eq!(recorded, size >= LARGEST);

        let end = plan.entries[0].content_offset() + size;
        let mut rest = vec![0xaa; usize::try_from(plan.size() - end + 3).unwrap()];
        plan.reader().fill(end - 3, &mut rest).unwrap();
        assert!(rest.starts_with(b"end"), "{size}");
        let next = usize::try_from(padded(size) - size + 3).unwrap();
        assert_eq!(&*Reader::new(&rest[next..]).next_member().unwrap().unwrap().name, b"g");
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
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let root = tempfile::tempdir().unwrap();
        let mut plan = PlanBuilder::default();
        for (number, size) in sizes.iter().enumerate() {
            fs::write(root.path().join(format!("{number:02}")), vec![b'a'; *size]).unwrap();
        }
        add_tree(&mut plan, root.path(), &Policy::default(), 2, &Cancel::default()).unwrap();
        let added = bytes(&vec![b'b'; sizes[0]]);
        add_files(&mut plan, [(b"z/y/x".to_vec(), added)], &Policy::default()).unwrap();
        let plan = plan.finish(0).unwrap().0;
        let tar = whole(&plan);

        let mut edges: Vec<usize> = cuts.iter().map(|cut| cut.index(tar.len())).collect();
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
