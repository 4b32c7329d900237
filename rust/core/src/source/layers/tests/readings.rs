//! Layers are read twice: what the survey refuses, and what the second reading finds changed.

use std::os::unix::fs::FileExt;

use super::*;
use crate::digest::Digest;

#[test]
fn another_layer_in_the_second_reading_is_told() {
    let one = tar(&[member("a=1"), member("b=2")]);
    let file = tempfile::tempfile().unwrap();
    for other in [vec![member("a=1"), member("b=23")], vec![member("a=1")], vec![member("a/")]] {
        let cancel = Cancel::default();
        // By its content alone: the time of the file is the same.
        let write = |bytes: &[u8]| {
            file.write_all_at(bytes, 0).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
        };
        write(&one);
        let length = one.len() as u64;
        let files =
            [ArchiveFile::stretch(file.try_clone().unwrap(), 0, length, "layer".into()).unwrap()];
        let mut plan = PlanBuilder::default();
        let layers = Layers::add(&mut plan, &files, &Policy::default(), 1, &cancel).unwrap();
        let plan = plan.finish(0).unwrap().0.in_order_of_members();
        let mut other = tar(&other);
        other.resize(one.len(), 0);
        write(&other);
        let error = layers.stream(&plan).fill(&mut [0; 9000]).unwrap_err();
        assert!(matches!(error, Error::Changed { .. }), "{error}");
    }
}

#[test]
fn a_layer_that_is_not_the_stated_one_is_refused_by_the_survey() {
    // Each is compressed in another way.
    let members = layers(&[&["a=1"], &["b=2"], &["c=3"]]);
    let right: Vec<_> = members.iter().map(|members| Digest::of(&tar(members))).collect();
    let survey = |stated: &[Digest]| {
        let files = stretches(&members).into_iter().zip(stated);
        let files: Vec<_> = files.map(|(file, &stated)| file.stated(Some(stated))).collect();
        let mut plan = PlanBuilder::default();
        Layers::add(&mut plan, &files, &Policy::default(), 2, &Cancel::default()).map(drop)
    };
    survey(&right).unwrap();
    for number in 0..members.len() {
        let mut wrong = right.clone();
        wrong[number] = Digest::of(b"other");
        let error = survey(&wrong).unwrap_err();
        let Error::OtherLayer { found, stated, .. } = &error else { panic!("{error}") };
        assert_eq!((*found, *stated), (right[number], wrong[number]));
    }
}

#[test]
fn a_raised_flag_ends_the_survey() {
    let files = stretches(&layers(&[&["a=1"]]));
    let cancel = Cancel::default();
    cancel.raise();
    let mut plan = PlanBuilder::default();
    let error = Layers::add(&mut plan, &files, &Policy::default(), 1, &cancel).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
}
