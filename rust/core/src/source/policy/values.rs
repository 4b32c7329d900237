//! Ids and permissions that stand in the values of attributes.
//!
//! A value that is not of its form is left as it is: what it means is up to who reads it.

use super::owner::OwnerMap;
use crate::tar::Xattr;

const ACCESS_LIST: &[u8] = b"system.posix_acl_access";
const DEFAULT_LIST: &[u8] = b"system.posix_acl_default";
const CAPABILITY: &[u8] = b"security.capability";

/// Maps the ids in the value of `xattr`, if it is one that has any.
pub(super) fn map_ids(xattr: &mut Xattr, map: &OwnerMap) -> Result<(), String> {
    match &*xattr.name {
        ACCESS_LIST | DEFAULT_LIST => map_list(&mut xattr.value, map),
        CAPABILITY => map_capability(&mut xattr.value, map),
        _ => Ok(()),
    }
}

/// Makes an entry's access control list say the same as its mode, as chmod(2) does.
pub(super) fn set_mode(xattrs: &mut [Xattr], mode: u32) {
    let Some(xattr) = xattrs.iter_mut().find(|xattr| *xattr.name == *ACCESS_LIST) else { return };
    let masked = items(&mut xattr.value).any(|item| item.tag() == Tag::MASK);
    for mut item in items(&mut xattr.value) {
        match item.tag() {
            Tag::OWNER => item.set_permissions(mode >> 6),
            Tag::MASK => item.set_permissions(mode >> 3),
            Tag::OWNING_GROUP if !masked => item.set_permissions(mode >> 3),
            Tag::OTHERS => item.set_permissions(mode),
            _ => {}
        }
    }
}

fn map_list(value: &mut [u8], map: &OwnerMap) -> Result<(), String> {
    for mut item in items(value) {
        let mut id = item.id();
        match item.tag() {
            Tag::USER => map.users.apply(&mut id, "in its access control list, the user")?,
            Tag::GROUP => map.groups.apply(&mut id, "in its access control list, the group")?,
            _ => continue,
        }
        item.set_id(id);
    }
    Ok(())
}

/// The tags of `linux/posix_acl.h`.
struct Tag;

impl Tag {
    const OWNER: u16 = 0x01;
    const USER: u16 = 0x02;
    const OWNING_GROUP: u16 = 0x04;
    const GROUP: u16 = 0x08;
    const MASK: u16 = 0x10;
    const OTHERS: u16 = 0x20;
}

/// An item of an access control list: tag, permissions and id, each little-endian
/// (`linux/posix_acl_xattr.h`).
struct Item<'a>(&'a mut [u8; 8]);

/// The items of a list of version 2, the only one there is.
fn items(value: &mut [u8]) -> impl Iterator<Item = Item<'_>> {
    let items = match value.split_first_chunk_mut::<4>() {
        Some((&mut [2, 0, 0, 0], items)) => items,
        _ => &mut [],
    };
    items.as_chunks_mut().0.iter_mut().map(Item)
}

impl Item<'_> {
    fn tag(&self) -> u16 {
        u16::from_le_bytes([self.0[0], self.0[1]])
    }

    fn set_permissions(&mut self, mode: u32) {
        [self.0[2], self.0[3]] = [(mode & 0o7) as u8, 0];
    }

    fn id(&self) -> u32 {
        u32::from_le_bytes([self.0[4], self.0[5], self.0[6], self.0[7]])
    }

    fn set_id(&mut self, id: u32) {
        self.0[4..].copy_from_slice(&id.to_le_bytes());
    }
}

/// Maps the user whose namespace capabilities are good for: version 3 of capabilities(7), which
/// the kernel writes for a root user that is not the host's. Where that one is the image's root,
/// they become version 2, which is what the kernel shows inside such a namespace.
fn map_capability(value: &mut Box<[u8]>, map: &OwnerMap) -> Result<(), String> {
    const LENGTH: usize = 20;
    const REVISION: usize = 3;
    let Some((data, root)) = value.split_first_chunk_mut::<LENGTH>() else { return Ok(()) };
    let (3, Ok(root)) = (data[REVISION], <&mut [u8; 4]>::try_from(root)) else { return Ok(()) };
    let mut id = u32::from_le_bytes(*root);
    map.users.apply(&mut id, "the root user of its capabilities,")?;
    *root = id.to_le_bytes();
    if id == 0 {
        data[REVISION] = 2;
        *value = data[..].into();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::slice::from_mut;

    use super::*;

    fn owner_map() -> OwnerMap {
        let map = |start| Some(vec![(0, start, 1000)]);
        OwnerMap::new(map(100_000), map(200_000)).unwrap().unwrap()
    }

    fn mapped(name: &[u8], value: &[u8]) -> Result<Box<[u8]>, String> {
        let mut xattr = Xattr { name: name.into(), value: value.into() };
        map_ids(&mut xattr, &owner_map())?;
        Ok(xattr.value)
    }

    fn list(items: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut value = vec![2, 0, 0, 0];
        for (tag, permissions, id) in items {
            value.extend(tag.to_le_bytes());
            value.extend(permissions.to_le_bytes());
            value.extend(id.to_le_bytes());
        }
        value
    }

    const NOBODY: u32 = u32::MAX;

    #[test]
    fn users_and_groups_of_a_list_are_mapped_and_nothing_else() {
        let host = [
            (Tag::OWNER, 7, NOBODY),
            (Tag::USER, 5, 100_033),
            (Tag::OWNING_GROUP, 4, NOBODY),
            (Tag::GROUP, 6, 200_004),
            (Tag::MASK, 7, NOBODY),
            (Tag::OTHERS, 0, NOBODY),
        ];
        let mut image = host;
        (image[1].2, image[3].2) = (33, 4);
        for name in [ACCESS_LIST, DEFAULT_LIST] {
            assert_eq!(mapped(name, &list(&host)).unwrap()[..], list(&image));
        }
        assert_eq!(mapped(b"user.x", &list(&host)).unwrap()[..], list(&host));
    }

    #[test]
    fn an_id_without_a_place_in_the_image_is_told() {
        for (tag, id, message) in [
            (Tag::USER, 5, "in its access control list, the user 5 is in no range of `uid_map`"),
            (Tag::GROUP, 6, "in its access control list, the group 6 is in no range of `gid_map`"),
        ] {
            assert_eq!(mapped(DEFAULT_LIST, &list(&[(tag, 7, id)])).unwrap_err(), message);
        }
        assert_eq!(
            mapped(CAPABILITY, &capability(3, Some(7))).unwrap_err(),
            "the root user of its capabilities, 7 is in no range of `uid_map`"
        );
    }

    fn capability(revision: u8, root: Option<u32>) -> Vec<u8> {
        let mut value: Vec<u8> = (0..20).collect();
        value[3] = revision;
        value.extend(root.map(u32::to_le_bytes).into_iter().flatten());
        value
    }

    #[test]
    fn capabilities_of_the_root_of_the_image_are_those_of_any_root() {
        let mapped = |value: &[u8]| mapped(CAPABILITY, value).unwrap().into_vec();
        assert_eq!(mapped(&capability(3, Some(100_000))), capability(2, None));
        assert_eq!(mapped(&capability(3, Some(100_007))), capability(3, Some(7)));
        for other in [capability(2, None), capability(3, None), capability(1, Some(5)), vec![3]] {
            assert_eq!(mapped(&other), other);
        }
    }

    #[test]
    fn a_list_follows_the_mode_and_named_users_stay() {
        let with_mask = |owner, mask, others| {
            list(&[
                (Tag::OWNER, owner, NOBODY),
                (Tag::USER, 7, 33),
                (Tag::OWNING_GROUP, 5, NOBODY),
                (Tag::MASK, mask, NOBODY),
                (Tag::OTHERS, others, NOBODY),
            ])
        };
        let mut xattr = Xattr { name: ACCESS_LIST.into(), value: with_mask(7, 7, 7).into() };
        set_mode(from_mut(&mut xattr), 0o4640);
        assert_eq!(xattr.value[..], with_mask(6, 4, 0));

        let without_mask = |group| list(&[(Tag::OWNING_GROUP, group, NOBODY)]);
        let mut xattr = Xattr { name: ACCESS_LIST.into(), value: without_mask(7).into() };
        set_mode(from_mut(&mut xattr), 0o640);
        assert_eq!(xattr.value[..], without_mask(4));

        let mut xattr = Xattr { name: DEFAULT_LIST.into(), value: without_mask(7).into() };
        set_mode(from_mut(&mut xattr), 0o640);
        assert_eq!(xattr.value[..], without_mask(7));
    }

    #[test]
    fn values_of_no_known_form_are_left_alone() {
        for value in [&[][..], &[2, 0, 0], &[1, 0, 0, 0, 2, 0, 7, 0, 5, 0, 0, 0], &[2, 0, 0, 0, 2]]
        {
            assert_eq!(mapped(ACCESS_LIST, value).unwrap()[..], *value);
            let mut xattr = Xattr { name: ACCESS_LIST.into(), value: value.into() };
            set_mode(from_mut(&mut xattr), 0);
            assert_eq!(xattr.value[..], *value);
        }
    }
}
