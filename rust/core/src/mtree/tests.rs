use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::cancel::Cancel;
use crate::digest::Digest;
use crate::error::Result;
use crate::tar::Xattr;

fn read(text: impl AsRef<[u8]>) -> Result<Vec<Record>> {
    Ok(parse(text.as_ref(), Path::new("a.mtree"), &Cancel::default())?.collect())
}

fn one(line: &str) -> Keywords {
    let [record] = read(line).unwrap().try_into().unwrap();
    record.keywords
}

fn error(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

fn paths(text: &str) -> Vec<String> {
    let records = read(text).unwrap().into_iter();
    records.map(|record| String::from_utf8(record.path.into()).unwrap()).collect()
}

/// What `bsdtar --format=mtree` writes.
const BSDTAR: &str = "\
#mtree
. gname=root uname=root time=1795310388.165955978 mode=755 gid=0 uid=0 type=dir
./\\043x gname=root uname=root time=1795310388.161894955 mode=644 gid=7 uid=8 type=file size=0
./c gname=root uname=root time=-2.500000000 mode=644 gid=0 uid=0 type=char device=native,1,3
./f nlink=2 gname=root uname=root time=5.1 mode=644 gid=0 uid=0 type=file size=3 \
    sha256digest=98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4
./s gname=root uname=root time=1795310388.150348078 mode=777 gid=0 uid=0 type=link link=f
./sp\\040ace gname=root uname=root time=1.161894955 mode=4755 gid=0 uid=0 type=file size=0
./\\303\\274 gname=root uname=root time=1.161894955 mode=644 gid=0 uid=0 type=file size=0
";

/// What `mtree -c` of NetBSD writes, shortened.
const NETBSD: &str = "\
#	   user: (null)
#	machine: vm

# .
/set type=file uname=root gname=root mode=0644 nlink=1 flags=none
.               type=dir mode=0755 nlink=3 time=1795310388.165955978
    \\#x         size=0 time=1795310388.161894955
    c           type=char device=0x103 time=-2.500000000
    f           nlink=2 size=3 time=5.148724236
    s           type=link mode=0777 time=1795310388.150348078 \\
                link=f
    sp\\sace     size=0 mode=04755 time=1795310388.161894955
    \\M-C\\M-<    size=0 time=1795310388.161894955

# ./d
/set type=file uname=root gname=root mode=0755 nlink=1 flags=none
d               type=dir nlink=3 time=1795310388.165955978

# ./d/e
e               type=dir nlink=2 time=1795310388.169955978
    z           size=0 time=-2.500000000
# ./d/e
..

# ./d
..

..
";

/// What go-mtree writes, shortened.
const GO_MTREE: &str = "\
#          user: root
#       machine: vm
#      keywords: size,type,uid,gid,mode,link,nlink,time,sha256digest,xattr,uname

# .
/set type=file nlink=1 mode=0664 uid=0 gid=0
. size=4096 type=dir mode=0755 nlink=3 time=1795310388.165955978 uname=root
    \\052\\077\\133 size=0 mode=0644 time=1.161894955 uname=root
    b\\\\s size=0 time=1795310388.161894955 uname=root
    eq=x size=0 mode=0644 time=1795310388.161894955 uname=root
    f size=3 mode=0644 nlink=2 time=5.148724236 xattr.user.x=MQ== uname=root
    s size=1 type=link mode=0777 link=f tar_time=7.000000000 uname=root

# d
d size=4096 type=dir mode=0755 nlink=3 time=1795310388.165955978 uname=root

# d/e
e size=4096 type=dir mode=0755 nlink=2 time=1795310388.169955978 uname=root
    z size=0 mode=0644 time=-2.500000000 uname=root
..
..
..
";

#[test]
fn the_full_form_of_bsdtar_is_read() {
    assert_eq!(paths(BSDTAR), ["", "#x", "c", "f", "s", "sp ace", "\u{fc}"]);
    let records = read(BSDTAR).unwrap();
    let x = &records[1].keywords;
    assert_eq!((x.kind, x.mode, x.uid, x.gid), (Some(Type::File), Some(0o644), Some(8), Some(7)));
    assert_eq!((x.size, x.time, x.uname), (Some(0), Some(1_795_310_388), true));
    let c = &records[2].keywords;
    assert_eq!((c.kind, c.device, c.time), (Some(Type::Char), Some((1, 3)), Some(-2)));
    let f = &records[3].keywords;
    assert_eq!((f.nlink, f.sha256, f.time), (Some(2), Some(Digest::of(b"hi\n")), Some(5)));
    assert_eq!(records[4].keywords.link.as_deref(), Some(&b"f"[..]));
    assert_eq!(records[5].keywords.mode, Some(0o4755));
}

#[test]
fn the_classic_form_of_netbsd_is_read() {
    assert_eq!(paths(NETBSD), ["", "#x", "c", "d", "d/e", "d/e/z", "f", "s", "sp ace", "\u{fc}"]);
    let records = read(NETBSD).unwrap();
    let c = &records[2].keywords;
    assert_eq!((c.kind, c.device, c.mode), (Some(Type::Char), Some((1, 3)), Some(0o644)));
    let z = &records[5];
    assert_eq!((z.keywords.kind, z.keywords.mode, z.line), (Some(Type::File), Some(0o755), 21));
    assert_eq!((records[6].keywords.nlink, records[7].keywords.nlink), (Some(2), Some(1)));
    assert_eq!(records[7].keywords.link.as_deref(), Some(&b"f"[..]));
}

#[test]
fn the_form_of_go_mtree_is_read() {
    assert_eq!(paths(GO_MTREE), ["", "*?[", "b\\s", "d", "d/e", "d/e/z", "eq=x", "f", "s"]);
    let records = read(GO_MTREE).unwrap();
    let f = &records[7].keywords;
    let xattr = Xattr { name: b"user.x"[..].into(), value: b"1"[..].into() };
    assert_eq!(f.xattrs, [xattr]);
    assert_eq!(records[8].keywords.time, Some(7));
}

#[test]
fn defaults_hold_until_they_are_unset() {
    let text = "\
        /set type=file uid=1 xattr.user.a=YQ== xattr.user.b=Yg== optional\n./a\n\
        /set uid=2\n./b gid=5\n\
        /unset uid optional xattr.user.a\n./c\n\
        /unset all\n./d type=dir\n\
        /set mode=0700\n/unset\n./e type=dir\n";
    let found: Vec<_> = read(text).unwrap().into_iter().map(|record| record.keywords).collect();
    let owners: Vec<_> = found.iter().map(|keywords| (keywords.uid, keywords.gid)).collect();
    assert_eq!(
        owners,
        [(Some(1), None), (Some(2), Some(5)), (None, None), (None, None), (None, None)]
    );
    let attributes: Vec<_> = found.iter().map(|keywords| keywords.xattrs.len()).collect();
    assert_eq!(attributes, [2, 2, 1, 0, 0]);
    assert_eq!([found[0].optional, found[2].optional], [true, false]);
    assert_eq!((found[3].mode, found[4].mode), (None, None));
}

#[test]
fn what_lines_have_from_others_has_a_limit() {
    let long = "x".repeat(1 << 19);
    for set in [format!("link={long}"), format!("contents={long}"), format!("xattr.user.{long}=")] {
        // Names of the same file are as many copies as those of others, until they are one.
        let error = error(&format!("/set {set}\n{}", "a type=file\n".repeat(200)));
        assert!(error.contains("more than 67108864 bytes from `/set`"), "{error}");
    }
    let folders = format!("{} type=dir\n", "x".repeat(1000)).repeat(100);
    let files = |count| folders.clone() + &"a type=file\n".repeat(count);
    let error = error(&files(700));
    assert!(error.contains("more than 67108864 bytes from `/set` and the folders"), "{error}");
    assert_eq!(read(files(500)).unwrap().len(), 101);
}

#[test]
fn attributes_of_one_file_are_not_more_than_files_have() {
    let line = |count: usize| {
        let words: Vec<_> = (0..count).map(|number| format!("xattr.user.{number}=")).collect();
        format!("a type=file {}", words.join(" "))
    };
    assert_eq!(one(&line(8192)).xattrs.len(), 8192);
    let error = error(&line(8193));
    assert!(error.contains("more than 8192 attributes"), "{error}");
}

#[test]
fn a_later_line_amends_an_earlier_one() {
    let text = "\
        ./a type=file mode=0600 uid=1 xattr.user.a=YQ==\n\
        ./b type=file\n\
        ./a uid=2 time=5\n\
        a mode=0644 xattr.user.a=Yg==\n";
    let [a, b] = read(text).unwrap().try_into().unwrap();
    assert_eq!((a.line, b.line), (4, 2));
    let Keywords { mode, uid, time, xattrs, .. } = a.keywords;
    assert_eq!((mode, uid, time), (Some(0o644), Some(2), Some(5)));
    assert_eq!((xattrs.len(), &*xattrs[0].value), (1, &b"b"[..]));
}

#[test]
fn a_path_keeps_its_type() {
    let text = "./a type=dir\n/set type=file\n./b\n./a mode=0700\n";
    let expected = "a.mtree:4: `a` has the type `file`, and on line 1 it has the type `dir`";
    assert_eq!(error(text), expected);
}

#[test]
fn folders_are_entered_and_left() {
    let text = "\
        . type=dir\nusr type=dir\n  bin type=dir\n    sh type=file\n  ..\n  lib type=dir\n\
        ./etc/x type=file\n    ld type=file\n  ..\n..\n..\n..\nvar type=dir\n";
    let expected = ["", "etc/x", "usr", "usr/bin", "usr/bin/sh", "usr/lib", "usr/lib/ld", "var"];
    assert_eq!(paths(text), expected);
}

#[test]
fn folders_that_would_fill_memory_are_not_entered() {
    assert_eq!(paths(&"d type=dir\n".repeat(4000)).len(), 4000);
    let reason = error(&"d type=dir\n".repeat(5000));
    assert!(reason.contains(" are 16785409 bytes") && reason.len() < 300, "{reason}");
}

#[test]
fn comments_may_follow_words() {
    assert_eq!(one("./a type=file mode=0600 # uid=1").uid, None);
    assert_eq!(one("./a type=link link=a#b").link.as_deref(), Some(&b"a#b"[..]));
}

#[test]
fn devices_are_told_in_every_form() {
    for (text, numbers) in [
        ("8,1", (8, 1)),
        ("native,253,70000", (253, 70_000)),
        ("freebsd,0x10,010", (16, 8)),
        ("259", (1, 3)),
        ("0x103", (1, 3)),
        ("0403", (1, 3)),
        ("0", (0, 0)),
    ] {
        assert_eq!(one(&format!("./d type=block device={text}")).device, Some(numbers), "{text}");
    }
}

#[test]
fn what_says_nothing_of_a_layer_is_passed_over() {
    let keywords = one(
        "./a type=file flags=none flags= tags=a,b cksum=1 md5=x md5digest=x rmd160=x rmd160digest=x \
         ripemd160=x ripemd160digest=x sha1=x sha1digest=x sha384=x sha384digest=x sha512=x sha512digest=x \
         sha512256digest=x nochange ignore resdevice=native,8,1 inode=7",
    );
    let expected = Keywords {
        kind: Some(Type::File),
        resdevice: Some((8, 1)),
        inode: Some(7),
        ..Keywords::default()
    };
    assert_eq!(keywords, expected);
}

#[test]
fn a_wrong_line_is_named_with_its_number() {
    for (line, reason) in [
        ("./a type=door", "`type` is `door`: expected `file`, `dir`, `link`, "),
        ("./a mode=u+x", "`mode` is `u+x`: expected an octal number up to `7777`"),
        ("./a mode=10000", "`mode` is `10000`: "),
        ("./a mode=08", "`mode` is `08`: "),
        ("./a uid=root", "`uid` is `root`: expected a number"),
        ("./a gid=-1", "`gid` is `-1`: "),
        ("./a gid=4294967296", "`gid` is `4294967296`: "),
        ("./a uid=", "`uid` is ``: "),
        ("./a size=1k", "`size` is `1k`: expected a number of bytes"),
        ("./a time=now", "`time` is `now`: expected seconds since 1970"),
        ("./a time=1.", "`time` is `1.`: "),
        ("./a time=+1", "`time` is `+1`: "),
        ("./a time=--1", "`time` is `--1`: "),
        ("./a time=9223372036854775808", "`time` is "),
        ("./a device=pdp,1,2", "`device` is `pdp,1,2`: expected `native,MAJOR,MINOR`"),
        ("./a device=native,1,2,3", "`device` is "),
        ("./a device=+1,2", "`device` is "),
        ("./a sha256=abc", "`sha256` is `abc`: expected 64 hexadecimal digits"),
        ("./a nlink=two", "`nlink` is `two`: expected a number"),
        ("./a flags=uchg", "`flags` is `uchg`: expected `none`: a layer has no file flags"),
        ("./a link=\\q", "`\\\\q` has a backslash before what is no escape"),
        ("./a xattr.user.a=?", "the attribute `user.a` is not base64"),
        ("./a colour=red", "unknown keyword `colour`"),
        ("./a xattr.=YQ==", "unknown keyword `xattr.`"),
        ("./a colour", "unknown keyword `colour`"),
        ("./a mode", "`mode` has no value"),
        ("/set colour=red", "unknown keyword `colour`"),
        ("/unset colour", "unknown keyword `colour`"),
        ("/unset mode=0700", "unknown keyword `mode=0700`"),
        ("/etc type=dir", "`/etc` is neither `/set` nor `/unset`; paths begin with `./`"),
        ("./a/../b type=dir", "`./a/../b` cannot be stored in a layer: its name has a `..` part"),
        ("\\056. type=dir", "`/..` cannot be stored"),
    ] {
        let text = format!("#mtree\n./x type=dir\n\n{line}\n");
        let found = error(&text);
        assert!(found.starts_with(&format!("a.mtree:4: {reason}")), "{found}");
    }
}

#[test]
fn a_file_that_describes_nothing_is_refused() {
    assert_eq!(
        error("#mtree\n# all\n/set uid=0\n"),
        "a.mtree:3: the file ends and describes nothing"
    );
    assert_eq!(error(""), "a.mtree:1: the file ends and describes nothing");
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in prop::collection::vec(any::<u8>(), 0..200)) {
        _ = read(text);
    }

    #[test]
    fn nor_is_one_that_looks_right(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "/set", "/unset", "\n", "\\\n", "..", ".", "./a", "b", "./a/b", "type=dir", "type=file",
                "mode=0700", "uid=1", "#", "link=\\", "xattr.a=", "device=1,2", "time=-1.5", "optional",
            ]),
            0..40,
        )
    ) {
        _ = read(words.join(" "));
        _ = read(words.concat());
    }
}
