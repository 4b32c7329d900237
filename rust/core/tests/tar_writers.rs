//! Any member that another tool writes is read as what it was: proptest makes the members, GNU
//! tar, bsdtar and Python's `tarfile` write them.
#![allow(clippy::unwrap_used)] // A test stops at the first surprise.

mod layers;
mod tools;

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use fastlayer_core::tar::{Entry, Kind, Xattr, normalize_path};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::layers::read;
use self::tools::output;

type Member = (Entry, Vec<u8>);

/// Content is left out of messages: it is long.
fn compare(archive: &[u8], expected: &[Member]) -> Result<(), TestCaseError> {
    let read = read(archive);
    let entries =
        |members: &[Member]| -> Vec<_> { members.iter().map(|(entry, _)| entry.clone()).collect() };
    prop_assert_eq!(entries(&read), entries(expected));
    for ((entry, content), (_, expected)) in read.iter().zip(expected) {
        prop_assert!(content == expected, "the content of {:?} differs", entry);
    }
    Ok(())
}

/// Letters, text, or any bytes at all but NUL and the slash.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let byte = (1..=255_u8).prop_filter("a slash", |byte| *byte != b'/');
    prop_oneof![
        vec(b'a'..=b'z', 1..150),
        "[a-zäß€😀 \\n=]{1,40}".prop_map(String::into_bytes),
        vec(byte, 1..120),
    ]
}

fn name() -> impl Strategy<Value = Box<[u8]>> {
    vec(part(), 1..4)
        .prop_filter_map("no name", |parts| normalize_path(&parts.join(&b'/')).ok())
        .prop_filter("the root", |path| !path.is_empty())
}

fn kind() -> impl Strategy<Value = Kind> {
    let device = || (0..=0o7_777_777_u32, 0..=0o7_777_777_u32);
    prop_oneof![
        3 => Just(Kind::Regular),
        1 => Just(Kind::Directory),
        1 => Just(Kind::Fifo),
        1 => vec(1..=255_u8, 1..200).prop_map(|target| Kind::Symlink(target.into())),
        1 => name().prop_map(Kind::HardLink),
        1 => device().prop_map(|(major, minor)| Kind::CharDevice { major, minor }),
        1 => device().prop_map(|(major, minor)| Kind::BlockDevice { major, minor }),
    ]
}

prop_compose! {
    fn member()(
        path in name(),
        kind in kind(),
        mode in 0..=0o7777_u32,
        uid in prop_oneof![0..70_000_u32, any::<u32>()],
        gid in prop_oneof![0..70_000_u32, any::<u32>()],
        mtime in prop_oneof![0..1_i64 << 33, -1_i64 << 40..1 << 40],
        names in btree_set("[a-z.]{1,20}", 0..3),
        value in vec(any::<u8>(), 0..50),
        content in vec(any::<u8>(), 0..1600),
    ) -> Member {
        let content = if kind == Kind::Regular { content } else { Vec::new() };
        let xattr = |name: String| Xattr {
            name: name.into_bytes().into(),
            value: value.clone().into(),
        };
        let xattrs = names.into_iter().map(xattr).collect();
        let size = content.len() as u64;
        (Entry { path, kind, mode, uid, gid, mtime, size, xattrs }, content)
    }
}

const TARFILE: &str = "
import io, json, sys, tarfile
def text(name): return bytes.fromhex(name).decode('utf-8', 'surrogateescape')
spec = json.load(sys.stdin)
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=spec['format'],
                  encoding='utf-8', errors='surrogateescape') as archive:
    for member in spec['members']:
        info = tarfile.TarInfo(text(member['name']))
        info.type = member['type'].encode()
        info.linkname = text(member['link'])
        for key in ('mode', 'uid', 'gid', 'mtime', 'devmajor', 'devminor'):
            setattr(info, key, member[key])
        if member['quarters']:
            info.mtime += member['quarters'] / 4
        info.pax_headers = {'SCHILY.xattr.' + name: text(value) for name, value in member['xattrs']}
        content = bytes.fromhex(member['content'])
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// The member for [`TARFILE`], with its time `quarters` of a second later.
fn describe((entry, content): &Member, quarters: u8) -> Value {
    let (type_flag, link, device): (_, &[u8], _) = match &entry.kind {
        Kind::Regular => ("0", b"", (0, 0)),
        Kind::HardLink(target) => ("1", target, (0, 0)),
        Kind::Symlink(target) => ("2", target, (0, 0)),
        Kind::CharDevice { major, minor } => ("3", b"", (*major, *minor)),
        Kind::BlockDevice { major, minor } => ("4", b"", (*major, *minor)),
        Kind::Directory => ("5", b"", (0, 0)),
        Kind::Fifo => ("6", b"", (0, 0)),
    };
    let name_of = |xattr: &Xattr| String::from_utf8(xattr.name.to_vec()).unwrap();
    let xattrs: Vec<_> =
        entry.xattrs.iter().map(|xattr| (name_of(xattr), hex(&xattr.value))).collect();
    json!({
        "name": hex(&entry.path), "type": type_flag, "link": hex(link), "mode": entry.mode,
        "uid": entry.uid, "gid": entry.gid, "mtime": entry.mtime, "quarters": quarters, "devmajor": device.0,
        "devminor": device.1, "xattrs": xattrs, "content": hex(content),
    })
}

/// A file, a directory or a link of a tree that a tool packs.
#[derive(Clone, Debug)]
enum Node {
    /// Zeroes left out, then bytes written, over and over.
    File {
        runs: Vec<(u64, Vec<u8>)>,
        mode: u32,
        seconds: i64,
        nanoseconds: u32,
    },
    Directory,
    Symlink(Vec<u8>),
    /// To one of the files before it, if there is any.
    HardLink(prop::sample::Index),
}

fn node() -> impl Strategy<Value = Node> {
    let run = (0..20_000_u64, vec(any::<u8>(), 0..700));
    let time = (-2_000_000_000..8_000_000_000_i64, 0..1_000_000_000_u32);
    let file = (vec(run, 0..5), 0o400..=0o7777_u32, time).prop_map(|(runs, mode, time)| {
        Node::File { runs, mode: mode | 0o400, seconds: time.0, nanoseconds: time.1 }
    });
    prop_oneof![
        5 => file,
        1 => Just(Node::Directory),
        1 => vec(1..=255_u8, 1..200).prop_map(Node::Symlink),
        1 => any::<prop::sample::Index>().prop_map(Node::HardLink),
    ]
}

/// Leaves out what bsdtar 3.6 writes wrong: of times before 1970 it takes the second and the
/// fraction for two negative numbers, and it cuts names of sparse files that are no text.
fn for_bsdtar(mut nodes: Vec<(Vec<u8>, Node)>) -> Vec<(Vec<u8>, Node)> {
    for (name, node) in &mut nodes {
        *name = String::from_utf8_lossy(name).chars().take(60).collect::<String>().into_bytes();
        if let Node::File { seconds: ..0, nanoseconds, .. } = node {
            *nanoseconds = 0;
        }
    }
    nodes
}

/// Makes the nodes in `root` and returns what an archive of them should hold.
fn make(root: &Path, nodes: &[(Vec<u8>, Node)]) -> Vec<Member> {
    let mut files: Vec<Vec<u8>> = Vec::new();
    let mut expected = Vec::new();
    for (index, (name, node)) in nodes.iter().enumerate() {
        // A number in front makes each another name, and none a dot.
        let name = [index.to_string().as_bytes(), name].concat();
        let path = root.join(OsStr::from_bytes(&name));
        let kind = match node {
            Node::File { runs, mode, seconds, nanoseconds } => {
                write(&path, runs, *seconds, *nanoseconds);
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
                files.push(name.clone());
                Kind::Regular
            }
            Node::HardLink(index) if !files.is_empty() => {
                let target = index.get(&files);
                fs::hard_link(root.join(OsStr::from_bytes(target)), &path).unwrap();
                Kind::HardLink(target.as_slice().into())
            }
            Node::Symlink(target) => {
                symlink(OsStr::from_bytes(target), &path).unwrap();
                Kind::Symlink(target.as_slice().into())
            }
            Node::Directory | Node::HardLink(_) => {
                fs::create_dir(&path).unwrap();
                Kind::Directory
            }
        };
        let content = if kind == Kind::Regular { fs::read(&path).unwrap() } else { Vec::new() };
        expected.push((entry(&name, kind, &fs::symlink_metadata(&path).unwrap()), content));
    }
    expected
}

fn write(path: &Path, runs: &[(u64, Vec<u8>)], seconds: i64, nanoseconds: u32) {
    let file = File::create(path).unwrap();
    let mut end = 0;
    for (zeroes, bytes) in runs {
        file.write_all_at(bytes, end + zeroes).unwrap();
        end += zeroes + bytes.len() as u64;
    }
    file.set_len(end).unwrap();
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let whole = if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
    file.set_modified(whole + Duration::from_nanos(nanoseconds.into())).unwrap();
}

fn entry(name: &[u8], kind: Kind, metadata: &Metadata) -> Entry {
    Entry {
        path: name.into(),
        size: if kind == Kind::Regular { metadata.len() } else { 0 },
        kind,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        mtime: metadata.mtime(),
        xattrs: Box::default(),
    }
}

const GNU_TAR: &[&str] = &["tar", "--no-recursion", "--no-unquote", "--hole-detection=raw"];
const BSDTAR: &[&str] = &["bsdtar", "--no-recursion", "--no-xattrs", "--no-acls", "--no-fflags"];

/// Every form that holds any name and time, sparse ones among them.
const FORMS: [(&[&str], &[&str]); 8] = [
    (GNU_TAR, &["--format=gnu"]),
    (GNU_TAR, &["--format=posix"]),
    (GNU_TAR, &["--format=oldgnu", "-S"]),
    (GNU_TAR, &["--format=gnu", "-S"]),
    (GNU_TAR, &["--format=posix", "-S", "--sparse-version=0.0"]),
    (GNU_TAR, &["--format=posix", "-S", "--sparse-version=0.1"]),
    (GNU_TAR, &["--format=posix", "-S", "--sparse-version=1.0"]),
    (BSDTAR, &["--format=pax"]),
];

proptest! {
    // Each case is a call of an interpreter, so there are fewer of them, with more members.
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn what_tarfile_writes_is_read_as_it_was(
        members in vec((member(), 0..4_u8), 1..30),
        pax: bool,
    ) {
        let mut expected = Vec::new();
        let mut described = Vec::new();
        for ((mut entry, content), quarters) in members {
            // Only records have attributes, and parts of seconds.
            if !pax {
                entry.xattrs = Box::default();
            }
            described.push(describe(&(entry.clone(), content.clone()), if pax { quarters } else { 0 }));
            expected.push((entry, content));
        }
        let spec = json!({ "format": 1 + u8::from(pax), "members": described }).to_string();
        let mut python = Command::new("python3");
        if let Some(archive) = output(python.args(["-c", TARFILE]), spec.as_bytes()) {
            compare(&archive, &expected)?;
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_tar_programs_write_is_read_as_it_was(
        nodes in vec((part(), node()), 1..8),
        form in prop::sample::select(&FORMS[..]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (program, options) = form;
        let nodes = if program == BSDTAR { for_bsdtar(nodes) } else { nodes };
        let expected = make(folder.path(), &nodes);
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).args(options).args(["-cf", "-", "-C"]).arg(folder.path());
        command.args(expected.iter().map(|(entry, _)| OsStr::from_bytes(&entry.path)));
        if let Some(archive) = output(command.env("LC_ALL", "C.UTF-8"), b"") {
            compare(&archive, &expected)?;
        }
    }
}
