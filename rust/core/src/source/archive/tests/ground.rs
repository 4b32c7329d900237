//! Layers of archives above a tree that is known.

use super::*;
use crate::stack::list_layer;

/// The layer of an archive above a tree with these entries.
fn above(ground: &[Entry], entries: &[Entry]) -> Result<Vec<Entry>> {
    let mut tree = crate::stack::Tree::default();
    tree.apply(list_layer(&archive(ground)[..], &Cancel::default())?, &Cancel::default())?;
    let mut treatment = Treatment::default();
    let (additions, survey) = (no_additions(), Survey::default());
    let bytes = archive(entries);
    let ground = Some(Ground::new(tree, None));
    let stream = ArchiveStream::above(ground, &bytes[..], &mut treatment, &additions, survey);
    Ok(crate::tar::list(stream, false, &Cancel::default())?
        .into_iter()
        .map(|listed| listed.entry)
        .collect())
}

#[test]
fn links_of_the_ground_are_followed_until_an_entry_takes_their_place() {
    let ground = [
        directory("usr"),
        directory("usr/lib"),
        of_kind("lib", Kind::Symlink(b"usr/lib"[..].into())),
        of_kind("gone", Kind::Symlink(b"/nowhere"[..].into())),
        file("f"),
    ];
    let entries = [
        directory(""),
        file("lib/a"),
        hard_link("b", "lib/a"),
        file("gone/x"),
        directory("lib"),
        file("lib/c"),
        hard_link("d", "lib/c"),
    ];
    let layer = above(&ground, &entries).unwrap();
    let expected = ["usr", "usr/lib", "usr/lib/a", "b", "gone", "gone/x", "lib", "lib/c", "d"];
    assert_eq!(paths(&layer), expected);
    // The directory of the ground, and one that nothing names.
    assert_eq!([layer[1].mode, layer[4].mode], [0o700, 0o755]);
    assert_eq!(layer[3].kind, Kind::HardLink(b"usr/lib/a"[..].into()));
    assert_eq!(layer[8].kind, Kind::HardLink(b"lib/c"[..].into()));
    let twice = above(&ground, &[file("lib/a"), file("usr/lib/a")]).unwrap_err();
    assert!(twice.to_string().contains("holds it twice"), "{twice}");
    // A hard link to what only the ground has is one to nothing for whoever applies the layer.
    assert!(above(&ground, &[hard_link("x", "f")]).is_err());
}
