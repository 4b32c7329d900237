//! The three forms in PAX headers, told apart by their records.

use std::io::Read;

use super::super::super::{BLOCK, pax::parse_decimal};
use super::super::MAX_SPECIAL;
use super::super::block::Header;
use super::super::content::Content;
use super::super::input::Input;
use super::super::shown;
use super::Map;
use crate::error::Result;

const MAX_BLOCKS: u64 = MAX_SPECIAL / BLOCK as u64;

/// The records of one extended header whose keys begin with `GNU.sparse.`. An empty value is none.
#[derive(Debug, Default)]
pub(in super::super) struct Records {
    any: bool,
    major: Box<[u8]>,
    minor: Box<[u8]>,
    name: Box<[u8]>,
    size: Box<[u8]>,
    real_size: Box<[u8]>,
    count: Box<[u8]>,
    /// Offsets and lengths by turns, with commas between them.
    map: Box<[u8]>,
    /// The same from version 0.0, which has a record for each, and how many those are.
    numbers: Vec<u8>,
    number_count: usize,
}

impl Records {
    /// Takes the record `GNU.sparse.KEY`. Of two with the same key the later counts, but for
    /// version 0.0.
    pub(in super::super) fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        self.any = true;
        match key {
            b"major" => self.major = value.into(),
            b"minor" => self.minor = value.into(),
            b"name" => self.name = value.into(),
            b"size" => self.size = value.into(),
            b"realsize" => self.real_size = value.into(),
            b"numblocks" => self.count = value.into(),
            b"map" => self.map = value.into(),
            b"offset" | b"numbytes" => return self.add_number(key, value),
            _ => {}
        }
        Ok(())
    }

    fn add_number(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        let turn: &[u8] = if self.number_count.is_multiple_of(2) { b"offset" } else { b"numbytes" };
        if key != turn || value.contains(&b',') {
            return Err(format!(
                "its sparse map has the {} `{}` in place of its next {}",
                key.escape_ascii(),
                shown(value),
                turn.escape_ascii()
            ));
        }
        if self.number_count > 0 {
            self.numbers.push(b',');
        }
        self.numbers.extend_from_slice(value);
        self.number_count += 1;
        Ok(())
    }

    /// Whether there are any.
    pub(super) const fn any(&self) -> bool {
        self.any
    }

    /// Whether they are of a version that Go knows. The first two need not say theirs.
    pub(super) fn is_readable(&self) -> bool {
        match (&*self.major, &*self.minor) {
            (b"0", b"0" | b"1") | (b"1", b"0") => true,
            (b"", b"") => !self.map().is_empty(),
            _ => false,
        }
    }

    fn map(&self) -> &[u8] {
        if self.number_count > 0 { &self.numbers } else { &self.map }
    }

    /// Puts the file's own name and size into `header`, which has those of an archive member that
    /// other readers can take for a file.
    pub(super) fn apply(&self, header: &mut Header) -> Result<(), String> {
        if !self.name.is_empty() {
            header.name = self.name.to_vec();
        }
        let size = if self.size.is_empty() { &self.real_size } else { &self.size };
        if !size.is_empty() {
            header.size = parse(size)?;
        }
        Ok(())
    }

    /// The map of the file that `header` describes; in version 1.0 it is taken off `content`.
    pub(super) fn read_map<R: Read>(
        &self,
        header: &Header,
        content: &mut Content,
        input: &mut Input<R>,
    ) -> Result<Map> {
        let map = Map::new(header.size).map_err(|reason| input.malformed(reason))?;
        if *self.major != *b"1" {
            return self.fill_map(map).map_err(|reason| input.malformed(reason));
        }
        let mut text = Text { map, line: Vec::new(), stretches: None, offset: None };
        for _ in 0..MAX_BLOCKS {
            let Some(block) = content.read_block(input)? else {
                return Err(input.malformed("its content ends inside its sparse map"));
            };
            if text.read(&block).map_err(|reason| input.malformed(reason))? {
                return Ok(text.map);
            }
        }
        Err(input.malformed(format!("its sparse map has more than {MAX_BLOCKS} blocks")))
    }

    /// Adds the stretches that stand in the records.
    fn fill_map(&self, mut map: Map) -> Result<Map, String> {
        let text = self.map();
        let mut numbers = text.split(|&byte| byte == b',').filter(|_| !text.is_empty());
        let mut count = 0;
        while let Some(offset) = numbers.next() {
            let length = numbers.next().ok_or("its sparse map ends with an offset")?;
            map.push(parse(offset)?, parse(length)?)?;
            count += 1;
        }
        if parse(&self.count)? == count {
            Ok(map)
        } else {
            let stated = shown(&self.count);
            Err(format!("its sparse map should have {stated} stretches, it has {count}"))
        }
    }
}

/// The map of version 1.0: lines of numbers, first how many stretches there are.
struct Text {
    map: Map,
    /// The line being read; it may go on in the next block.
    line: Vec<u8>,
    /// How many stretches are still to come, once that is known.
    stretches: Option<i64>,
    /// The offset of a stretch whose length comes next.
    offset: Option<i64>,
}

impl Text {
    /// Reads one block; `true` when the map ends in it.
    fn read(&mut self, block: &[u8; BLOCK]) -> Result<bool, String> {
        for &byte in block {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let number = parse(&self.line)?;
            self.line.clear();
            self.take(number)?;
            if self.stretches == Some(0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take(&mut self, number: i64) -> Result<(), String> {
        match (self.stretches, self.offset.take()) {
            (None, _) if number < 0 => {
                return Err(format!("its sparse map should have {number} stretches"));
            }
            (None, _) => self.stretches = Some(number),
            (Some(_), None) => self.offset = Some(number),
            (Some(left), Some(offset)) => {
                self.map.push(offset, number)?;
                self.stretches = Some(left - 1);
            }
        }
        Ok(())
    }
}

fn parse(text: &[u8]) -> Result<i64, String> {
    parse_decimal(text)
        .ok_or_else(|| format!("it is a sparse file with `{}` for a number", shown(text)))
}
