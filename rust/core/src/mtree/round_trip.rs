//! What is written, and that it is read back.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::cancel::Cancel;
use crate::digest::Digest;
use crate::tar::{Entry, Kind, Xattr, normalize_path, order_key};

fn written(entries: &[(Entry, Option<Digest>, Option<Names>)]) -> Vec<u8> {
    let mut text = SIGNATURE.to_vec();
    for (entry, digest, names) in entries {
        write_line(&entry.path, entry, *digest, *names, &mut text);
    }
    text
}

#[test]
fn a_line_says_all_that_is_known() {
    let entry = Entry {
        path: b"dev/n l"[..].into(),
        kind: Kind::CharDevice { major: 1, minor: 3 },
        mode: 0o4007,
        uid: 1,
        gid: 2,
        mtime: -3,
        size: 0,
        xattrs: [Xattr { name: b"user.a=b"[..].into(), value: b"\xff"[..].into() }].into(),
    };
    let names = Some(Names { count: 2, inode: 9 });
    let file = Entry { path: b"f"[..].into(), kind: Kind::Regular, size: 5, ..entry.clone() };
    let root =
        Entry { path: Box::default(), kind: Kind::Directory, xattrs: [].into(), ..entry.clone() };
    let text =
        written(&[(root, None, None), (entry, None, names), (file, Some(Digest::of(b"")), None)]);
    let expected = "\
#mtree
. type=dir mode=04007 uid=1 gid=2 time=-3.000000000
./dev/n\\040l type=char mode=04007 uid=1 gid=2 time=-3.000000000 device=native,1,3 nlink=2 inode=9 \
xattr.user.a\\075b=/w==
./f type=file mode=04007 uid=1 gid=2 size=5 time=-3.000000000 \
sha256digest=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 \
xattr.user.a\\075b=/w==
";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1..=u8::MAX, 1..12)
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Regular),
        Just(Kind::Directory),
        Just(Kind::Fifo),
        name().prop_map(|target| Kind::Symlink(target.into())),
        any::<(u32, u32)>().prop_map(|(major, minor)| Kind::CharDevice { major, minor }),
        any::<(u32, u32)>().prop_map(|(major, minor)| Kind::BlockDevice { major, minor }),
    ]
}

prop_compose! {
    fn entry()(
        path in prop::collection::vec(name(), 0..4),
        kind in kind(),
        mode in 0..0o10000_u32,
        uid: u32,
        gid: u32,
        mtime: i64,
        size: u64,
        xattrs in prop::collection::btree_map(name(), prop::collection::vec(any::<u8>(), 0..9), 0..3),
    ) -> Option<Entry> {
        let xattrs = xattrs.into_iter();
        Some(Entry {
            path: normalize_path(&path.join(&b'/')).ok()?,
            size: if kind == Kind::Regular { size } else { 0 },
            kind, mode, uid, gid, mtime,
            xattrs: xattrs.map(|(name, value)| Xattr { name: name.into(), value: value.into() }).collect(),
        })
    }
}

fn described(entry: &Entry, digest: Option<Digest>, names: Option<Names>) -> Keywords {
    let (kind, link, device) = match entry.kind.clone() {
        Kind::Regular | Kind::HardLink(_) => (Type::File, None, None),
        Kind::Directory => (Type::Directory, None, None),
        Kind::Symlink(target) => (Type::Link, Some(target), None),
        Kind::Fifo => (Type::Fifo, None, None),
        Kind::CharDevice { major, minor } => (Type::Char, None, Some((major, minor))),
        Kind::BlockDevice { major, minor } => (Type::Block, None, Some((major, minor))),
    };
    Keywords {
        kind: Some(kind),
        mode: Some(entry.mode),
        uid: Some(entry.uid),
        gid: Some(entry.gid),
        size: (kind == Type::File).then_some(entry.size),
        time: Some(entry.mtime),
        link,
        device,
        sha256: digest,
        nlink: names.map(|names| names.count),
        inode: names.map(|names| names.inode),
        xattrs: entry.xattrs.to_vec(),
        ..Keywords::default()
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        entries in prop::collection::vec((entry(), any::<Option<[u8; 4]>>(), any::<Option<(u64, u64)>>()), 1..8)
    ) {
        let mut entries: Vec<_> = entries
            .into_iter()
            .filter_map(|(entry, content, names)| {
                let names = names.map(|(count, inode)| Names { count, inode });
                Some((entry?, content.map(|content| Digest::of(&content)), names))
            })
            .collect();
        entries.sort_by_key(|(entry, ..)| order_key(&entry.path));
        entries.dedup_by(|(left, ..), (right, ..)| left.path == right.path);
        prop_assume!(!entries.is_empty());
        let text = written(&entries);
        prop_assert!(text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
        let records: Vec<_> = parse(&*text, Path::new("f"), &Cancel::default()).unwrap().collect();
        prop_assert_eq!(records.len(), entries.len());
        for (number, (record, (entry, digest, names))) in records.iter().zip(&entries).enumerate() {
            prop_assert_eq!(&record.path, &entry.path);
            prop_assert_eq!(record.line, number as u64 + 2);
            prop_assert_eq!(&record.keywords, &described(entry, *digest, *names));
        }
    }
}
