//! The old GNU form: numbers in the header block where ustar has its prefix, then in blocks of
//! their own that the size in the header does not count.

use std::io::Read;

use super::super::super::{BLOCK, field, number::parse_number};
use super::super::MAX_SPECIAL;
use super::super::block::Header;
use super::super::input::Input;
use super::Map;
use crate::error::Result;

/// Go reads as many further blocks as keep the list below its limit. (Its own part of the header
/// is less than a block.)
const MAX_BLOCKS: u64 = MAX_SPECIAL / BLOCK as u64 - 1;

/// The width of an offset, and of a length.
const NUMBER: usize = 12;

/// Reads the map that begins in `header` and goes on in `input`.
pub(super) fn read_map<R: Read>(header: &Header, input: &mut Input<R>) -> Result<Map> {
    let Some(block) = &header.sparse_block else {
        return Err(input.malformed("its type is GNU's sparse file, but its header is not GNU's"));
    };
    let mut map = real_size(block).and_then(Map::new).map_err(|reason| input.malformed(reason))?;
    push_all(&mut map, &block[field::GNU_SPARSE]).map_err(|reason| input.malformed(reason))?;
    let mut goes_on = block[field::GNU_IS_EXTENDED] != 0;
    let mut blocks = 0;
    while goes_on {
        blocks += 1;
        if blocks > MAX_BLOCKS {
            return Err(
                input.malformed(format!("its sparse map has more than {MAX_BLOCKS} blocks"))
            );
        }
        let Some(block) = input.read_block()? else {
            return Err(input.malformed("the input ends inside its sparse map"));
        };
        push_all(&mut map, &block[field::EXTENSION_SPARSE])
            .map_err(|reason| input.malformed(reason))?;
        goes_on = block[field::EXTENSION_IS_EXTENDED] != 0;
    }
    Ok(map)
}

fn real_size(block: &[u8; BLOCK]) -> Result<i64, String> {
    parse(&block[field::GNU_REAL_SIZE], "size as a sparse file")
}

/// Adds the stretches of one block, up to the first that is not used.
fn push_all(map: &mut Map, table: &[u8]) -> Result<(), String> {
    for stretch in table.chunks_exact(2 * NUMBER).take_while(|stretch| stretch[0] != 0) {
        let (offset, length) = stretch.split_at(NUMBER);
        map.push(parse(offset, "sparse map")?, parse(length, "sparse map")?)?;
    }
    Ok(())
}

fn parse(field: &[u8], what: &str) -> Result<i64, String> {
    parse_number(field)
        .ok_or_else(|| format!("its {what} holds no number: `{}`", field.escape_ascii()))
}
