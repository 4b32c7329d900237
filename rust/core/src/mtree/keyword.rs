//! What a line says of a file: `keyword=value` words, read into values.

use super::base64;
use super::escape::unescape;
use super::value::{decimal, device, octal, seconds};
use crate::digest::Digest;
use crate::tar::Xattr;

/// Attributes that one file may have: more names than these fit in no list of the kernel's
/// (`XATTR_LIST_MAX`), and each is compared with all before it.
const MAX_XATTRS: usize = 8192;

/// The type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    File,
    Directory,
    Link,
    Char,
    Block,
    Fifo,
    Socket,
}

impl Type {
    /// Its name in a file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "dir",
            Self::Link => "link",
            Self::Char => "char",
            Self::Block => "block",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
        }
    }
}

/// All that lines say of one file, or that `/set` says of those that follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keywords {
    pub(crate) kind: Option<Type>,
    pub(crate) mode: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    /// Whether the owner, and the group, are told by a name.
    pub(crate) uname: bool,
    pub(crate) gname: bool,
    pub(crate) size: Option<u64>,
    /// Whole seconds, rounded down.
    pub(crate) time: Option<i64>,
    pub(crate) link: Option<Box<[u8]>>,
    /// Major and minor number.
    pub(crate) device: Option<(u32, u32)>,
    /// Where the content is.
    pub(crate) contents: Option<Box<[u8]>>,
    pub(crate) sha256: Option<Digest>,
    pub(crate) nlink: Option<u64>,
    pub(crate) inode: Option<u64>,
    /// The device that the inode is on.
    pub(crate) resdevice: Option<(u32, u32)>,
    pub(crate) optional: bool,
    pub(crate) xattrs: Vec<Xattr>,
}

impl Keywords {
    /// Takes over what a word says; else says what is wrong with it.
    pub(super) fn set(&mut self, word: &[u8]) -> Result<(), String> {
        let Some(equals) = word.iter().position(|&byte| byte == b'=') else {
            return self.set_flag(word);
        };
        let (name, value) = (&word[..equals], &word[equals + 1..]);
        let wrong = |expected: &str| {
            let (name, value) = (name.escape_ascii(), value.escape_ascii());
            Err(format!("`{name}` is `{value}`: expected {expected}"))
        };
        match name {
            b"type" => match kind(value) {
                Some(kind) => self.kind = Some(kind),
                None => {
                    return wrong("`file`, `dir`, `link`, `char`, `block`, `fifo` or `socket`");
                }
            },
            b"mode" => match octal(value) {
                Some(mode) => self.mode = Some(mode),
                None => return wrong("an octal number up to `7777`"),
            },
            b"uid" | b"gid" => match decimal(value) {
                Some(id) if name == b"uid" => self.uid = Some(id),
                Some(id) => self.gid = Some(id),
                None => return wrong("a number"),
            },
            b"uname" => self.uname = true,
            b"gname" => self.gname = true,
            b"size" => match decimal(value) {
                Some(size) => self.size = Some(size),
                None => return wrong("a number of bytes"),
            },
            b"time" | b"tar_time" => match seconds(value) {
                Some(time) => self.time = Some(time),
                None => return wrong("seconds since 1970, such as `1700000000.0`"),
            },
            b"link" => self.link = Some(unescape(value)?.into()),
            b"contents" | b"content" => self.contents = Some(unescape(value)?.into()),
            b"device" | b"resdevice" => match device(value) {
                Some(numbers) if name == b"device" => self.device = Some(numbers),
                Some(numbers) => self.resdevice = Some(numbers),
                None => return wrong("`native,MAJOR,MINOR`, `MAJOR,MINOR` or one number"),
            },
            b"sha256" | b"sha256digest" => match Digest::from_hex(value) {
                Some(digest) => self.sha256 = Some(digest),
                None => return wrong("64 hexadecimal digits"),
            },
            b"nlink" | b"inode" => match decimal(value) {
                Some(number) if name == b"nlink" => self.nlink = Some(number),
                Some(number) => self.inode = Some(number),
                None => return wrong("a number"),
            },
            b"flags" if !matches!(value, b"" | b"none") => {
                return wrong("`none`: a layer has no file flags");
            }
            _ if is_ignored(name) => {}
            _ => match xattr_name(name) {
                Some(name) => self.set_xattr(&unescape(name)?, value)?,
                None => return Err(unknown(name)),
            },
        }
        Ok(())
    }

    /// Forgets a keyword.
    pub(super) fn unset(&mut self, name: &[u8]) -> Result<(), String> {
        match name {
            b"all" => *self = Self::default(),
            b"type" => self.kind = None,
            b"mode" => self.mode = None,
            b"uid" => self.uid = None,
            b"gid" => self.gid = None,
            b"uname" => self.uname = false,
            b"gname" => self.gname = false,
            b"size" => self.size = None,
            b"time" | b"tar_time" => self.time = None,
            b"link" => self.link = None,
            b"contents" | b"content" => self.contents = None,
            b"device" => self.device = None,
            b"resdevice" => self.resdevice = None,
            b"sha256" | b"sha256digest" => self.sha256 = None,
            b"nlink" => self.nlink = None,
            b"inode" => self.inode = None,
            b"optional" => self.optional = false,
            _ if is_ignored(name) => {}
            _ => {
                let name = unescape(xattr_name(name).ok_or_else(|| unknown(name))?)?;
                self.xattrs.retain(|xattr| *xattr.name != *name);
            }
        }
        Ok(())
    }

    /// Bytes of what has no fixed size.
    pub(super) fn held(&self) -> usize {
        let texts = [&self.link, &self.contents].into_iter().flatten().map(|text| text.len());
        let one = |xattr: &Xattr| size_of::<Xattr>() + xattr.name.len() + xattr.value.len();
        texts.chain(self.xattrs.iter().map(one)).sum()
    }

    /// Takes over all that a later line says.
    pub(super) fn amend(&mut self, later: Self) -> Result<(), String> {
        self.kind = later.kind.or(self.kind);
        self.mode = later.mode.or(self.mode);
        self.uid = later.uid.or(self.uid);
        self.gid = later.gid.or(self.gid);
        self.uname |= later.uname;
        self.gname |= later.gname;
        self.size = later.size.or(self.size);
        self.time = later.time.or(self.time);
        self.link = later.link.or(self.link.take());
        self.device = later.device.or(self.device);
        self.contents = later.contents.or(self.contents.take());
        self.sha256 = later.sha256.or(self.sha256);
        self.nlink = later.nlink.or(self.nlink);
        self.inode = later.inode.or(self.inode);
        self.resdevice = later.resdevice.or(self.resdevice);
        self.optional |= later.optional;
        later.xattrs.into_iter().try_for_each(|xattr| self.put_xattr(xattr))
    }

    /// A keyword that has no value.
    fn set_flag(&mut self, name: &[u8]) -> Result<(), String> {
        match name {
            b"optional" => self.optional = true,
            // They say what to leave alone in a tree that is there; here is none yet.
            b"nochange" | b"ignore" => {}
            _ if self.clone().unset(name).is_ok() => {
                return Err(format!("`{}` has no value", name.escape_ascii()));
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    fn set_xattr(&mut self, name: &[u8], value: &[u8]) -> Result<(), String> {
        let value = base64::decode(value)
            .ok_or_else(|| format!("the attribute `{}` is not base64", name.escape_ascii()))?;
        self.put_xattr(Xattr { name: name.into(), value: value.into() })
    }

    fn put_xattr(&mut self, xattr: Xattr) -> Result<(), String> {
        self.xattrs.retain(|other| other.name != xattr.name);
        if self.xattrs.len() == MAX_XATTRS {
            return Err(format!("it has more than {MAX_XATTRS} attributes"));
        }
        self.xattrs.push(xattr);
        Ok(())
    }
}

fn unknown(name: &[u8]) -> String {
    format!("unknown keyword `{}`", name.escape_ascii())
}

/// Keywords that say nothing of what is in a layer, and digests that nobody here computes.
fn is_ignored(name: &[u8]) -> bool {
    match name.strip_suffix(b"digest").unwrap_or(name) {
        b"md5" | b"ripemd160" | b"rmd160" | b"sha1" | b"sha384" | b"sha512" | b"sha512256" => true,
        _ => matches!(name, b"flags" | b"tags" | b"cksum" | b"nochange" | b"ignore"),
    }
}

/// The attribute that `xattr.user.x` is about; go-mtree also knows the prefix as `xattrs`.
fn xattr_name(name: &[u8]) -> Option<&[u8]> {
    name.strip_prefix(b"xattr.")
        .or_else(|| name.strip_prefix(b"xattrs."))
        .filter(|name| !name.is_empty())
}

fn kind(value: &[u8]) -> Option<Type> {
    use Type::{Block, Char, Directory, Fifo, File, Link, Socket};
    [File, Directory, Link, Char, Block, Fifo, Socket]
        .into_iter()
        .find(|kind| kind.name().as_bytes() == value)
}
