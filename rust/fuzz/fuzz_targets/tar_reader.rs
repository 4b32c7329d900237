//! Any bytes as an archive: as they are, and with the checksums of its headers right, without
//! which few changes would get past the first block.
#![no_main]

use fastlayer_fuzz::{check_archive, seal_headers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check_archive(bytes);
    let mut sealed = bytes.to_vec();
    seal_headers(&mut sealed);
    if sealed != bytes {
        check_archive(&sealed);
    }
});
